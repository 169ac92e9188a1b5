import { describe, expect, it } from 'vitest'
import { readingsAt } from '../../../../src/renderer/charts/plot'
import { type ChosenVariant, rankSeries } from '../../../../src/renderer/run/rankSeries'
import type { LayerRow } from '../../../../src/shared/contract/proof'

const palette = { series: ['#111111', '#222222', '#eeeeee'], quantized: '#eeeeee' } as never
const variants = ['exact-r8-budget', 'kfac-r8-budget'].map((name) => ({
  ...{ name, method: name.split('-')[0], rank: 8, quantizer: 'nf4-b64-dq', rankBudget: {}, ranks: {} }
})) as unknown as ChosenVariant[]
const layers = variants.flatMap(({ name }, v) =>
  [4, 12].map((rank, place) => ({ variant: name, name: `layer ${place}`, rank: rank + v }))
) as unknown as LayerRow[]

describe('the ranks of layers as lines', () => {
  const { series, marks } = rankSeries(variants, layers, palette)

  it('have their names at their ends, in the colour of the line, and dashes at the mean', () => {
    expect(series.map(({ points }) => points.map(({ y }) => y))).toEqual([
      [4, 12],
      [5, 13],
      [8, 8]
    ])
    expect(marks.map(({ x, y, color }) => [x, y, color])).toEqual([
      [2, 12, '#111111'],
      [2, 13, '#222222']
    ])
    expect(marks.map(({ label }) => label)).toEqual(series.slice(0, 2).map(({ label }) => label))
    expect(new Set(marks.map(({ label }) => label)).size).toBe(2)
  })

  it('are read once each where they end', () => {
    expect(readingsAt(2, series, marks).map(({ key, y }) => [key, y])).toEqual([
      ['exact-r8-budget', 12],
      ['kfac-r8-budget', 13],
      ['rank 8', 8]
    ])
  })
})
