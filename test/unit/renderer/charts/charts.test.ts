import { describe, expect, it } from 'vitest'
import { toCsv } from '../../../../src/renderer/charts/chartTable'
import { contrast, methodColor, PALETTES, shareColor, textOn } from '../../../../src/renderer/charts/palette'
import { linearScale, linearTicks, logScale, tickText } from '../../../../src/renderer/charts/scales'
import { methodShape } from '../../../../src/shared/chartColors'
import { placeLabels } from '../../../../src/shared/chartText'
import { METHODS } from '../../../../src/shared/methods'

describe('scales', () => {
  it('map a domain to a range and back', () => {
    const scale = linearScale([10, 20], [0, 100])
    expect([scale(10), scale(15), scale(20), scale.invert(50)]).toEqual([0, 50, 100, 15])
    const log = logScale([1, 100], [0, 100])
    expect([log(1), log(10), log(100), log.invert(50)]).toEqual([0, 50, 100, 10])
  })

  it('put a single value into the middle', () => {
    expect(linearScale([5, 5], [0, 100])(5)).toBeCloseTo(50)
    expect(linearScale([0, 0], [0, 100])(0)).toBeCloseTo(50)
  })

  it('write ticks as the figures beside them, with the decimals that tell them apart', () => {
    const written = (low: number, high: number) => {
      const ticks = linearTicks(low, high, 3)
      return ticks.map((tick) => tickText(tick, ticks))
    }
    expect(written(85.5, 86.7)).toEqual(['85.5', '86.0', '86.5'])
    expect(written(2.4e6, 4.3e6)).toEqual(['3,000,000', '4,000,000'])
    expect(written(1.2e12, 2.3e12)).toEqual(['1.5e+12', '2e+12'])
  })

  it('tick at round values within the domain', () => {
    expect(linearTicks(85.5, 86.7, 5)).toEqual([85.5, 86, 86.5])
    expect(linearTicks(-0.03, 0.03, 4)).toEqual([-0.02, 0, 0.02])
    expect(logScale([0.002, 30], [0, 1]).ticks).toEqual([0.01, 0.1, 1, 10])
    expect(logScale([0.4, 1], [0, 1]).ticks).toEqual([0.5, 1])
    expect(logScale([0.6, 0.9], [0, 1]).ticks.length).toBeGreaterThan(1)
  })
})

describe('placeLabels', () => {
  const touching = (places: readonly number[], sizes: readonly number[]): boolean =>
    places.some((a, i) => places.some((b, j) => i < j && Math.abs(a - b) < (sizes[i]! + sizes[j]!) / 2 - 1e-9))

  it('leaves labels with room where they belong', () => {
    expect(
      placeLabels(
        [20, 60].map((at) => ({ at, size: 20 })),
        0,
        100
      )
    ).toEqual([20, 60])
  })

  it('moves labels that would touch apart, in order, around where they belong', () => {
    expect(
      placeLabels(
        [51, 50, 49].map((at) => ({ at, size: 10 })),
        0,
        100
      )
    ).toEqual([60, 50, 40])
  })

  it('never lets two touch, nor one leave the axis', () => {
    for (let seed = 1; seed < 40; seed++) {
      const labels = Array.from({ length: 8 }, (_, i) => ({
        at: (seed * 37 + i * i * 13 * seed) % 200,
        size: 6 + ((seed + i * 7) % 19)
      }))
      const places = placeLabels(labels, 0, 200)
      const sizes = labels.map(({ size }) => size)
      expect(touching(places, sizes), `seed ${seed}`).toBe(false)
      expect(Math.min(...places.map((place, i) => place - sizes[i]! / 2))).toBeGreaterThanOrEqual(-1e-9)
      expect(Math.max(...places.map((place, i) => place + sizes[i]! / 2))).toBeLessThanOrEqual(200 + 1e-9)
    }
  })
})

describe('colours', () => {
  it.each(['light', 'dark'] as const)('can be read in the %s theme', (scheme) => {
    const palette = PALETTES[scheme]
    const { background, series, text, dimmed, fullPrecision, quantized, better, worse } = palette
    const methods = METHODS.map((method) => methodColor(palette, method))
    const colors = [text, dimmed, fullPrecision, quantized, better, worse, ...methods, ...series]
    for (const color of colors) expect(contrast(color, background), color).toBeGreaterThanOrEqual(4.5)
  })

  it.each(['light', 'dark'] as const)('tell methods apart in the %s theme, with the shape', (scheme) => {
    const looks = METHODS.map((method) => `${methodColor(PALETTES[scheme], method)} ${methodShape(method)}`)
    expect(new Set(looks).size).toBe(METHODS.length)
    expect(methodColor(PALETTES[scheme], 'of another version')).toBe(PALETTES[scheme].dimmed)
  })

  it.each(['light', 'dark'] as const)('of shares grow away from the background in the %s theme', (scheme) => {
    const palette = PALETTES[scheme]
    const steps = Array.from({ length: 21 }, (_, i) => contrast(shareColor(palette, i / 20), palette.background))
    for (const [i, step] of steps.slice(1).entries()) expect(step).toBeGreaterThan(steps[i]!)
    for (let share = 0; share <= 1; share += 0.05) {
      const color = shareColor(palette, share)
      expect(contrast(color, textOn(color))).toBeGreaterThanOrEqual(4.5)
    }
    expect(shareColor(palette, -0.1)).toBe(palette.worse)
  })

  it('knows the contrast of black on white', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21)
  })
})

describe('toCsv', () => {
  it('quotes what needs it and keeps every digit', () => {
    const table = {
      columns: ['name', 'a "b", c'],
      rows: [
        ['x\ny', 0.1 + 0.2],
        ['z', null],
        ['w', Number.NaN]
      ]
    }
    expect(toCsv(table)).toBe('name,"a ""b"", c"\r\n"x\ny",0.30000000000000004\r\nz,\r\nw,\r\n')
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])('never writes the text %j as a formula', (text) => {
    expect(toCsv({ columns: ['name'], rows: [[text]] })).toMatch(/^name\r\n"?'/)
  })

  it('leaves negative numbers alone', () => {
    expect(toCsv({ columns: ['name'], rows: [[-1]] })).toBe('name\r\n-1\r\n')
  })
})
