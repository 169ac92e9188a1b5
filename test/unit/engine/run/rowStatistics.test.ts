import { describe, expect, it } from 'vitest'
import { perplexitiesOf } from '../../../../src/engine/run/rowStatistics'
import { Perplexities } from '../../../../src/shared/runEvents'
import { distinguishable, logRatioError, subject } from '../../../../src/shared/uncertainty'
import { measuredRows, NF4 } from '../../../helpers/measured'

// A variant may have the name of a quantizer.
const left = { good: 0.25, nothing: 1, [NF4]: 1.001 }
const bases = new Map(Object.keys(left).map((name) => [name, NF4]))
const text = measuredRows({ gap: 0.1, left })

describe('what the rows of a text say', () => {
  const measured = perplexitiesOf(text, bases)
  const statistics = measured.statistics as NonNullable<typeof measured.statistics>

  it('is stored as it was computed', () => {
    expect(Perplexities.parse(JSON.parse(JSON.stringify(measured)))).toEqual(measured)
  })

  it('knows differences better than perplexities', () => {
    const paired = logRatioError(measured, subject.variant('good'), subject.quantizer(NF4)) as number
    expect(paired).toBeGreaterThan(0)
    expect(paired).toBeLessThan((statistics.fullPrecision.standardError as number) / measured.fullPrecision / 5)
  })

  it('tells apart what differs, and not what does not', () => {
    const base = subject.quantizer(NF4)
    expect(distinguishable(measured, base, subject.full)).toBe(true)
    expect(distinguishable(measured, subject.variant('good'), base)).toBe(true)
    expect(distinguishable(measured, subject.variant('nothing'), base)).toBe(false)
    expect(distinguishable(measured, subject.variant(NF4), base)).toBe(false)
  })

  it('has a share of the gap with its standard error for each variant', () => {
    const quantized = measured.quantizers[NF4] as number
    expect(statistics.variants.good?.gapClosed?.share).toBeCloseTo(
      (quantized - (measured.variants.good as number)) / (quantized - measured.fullPrecision),
      12
    )
    expect(statistics.variants.good?.gapClosed?.standardError).toBeGreaterThan(0)
    expect(statistics.variants.nothing?.gapClosed).toEqual({ share: 0, standardError: 0 })
  })

  it('is that there is no gap, where there is none', () => {
    const { good } = text.variants as Record<'good', (typeof text)['variants'][string]>
    const same = { ...text, quantizers: { [NF4]: { ...good, loss: text.fullPrecision.loss } } }
    const { statistics: of } = perplexitiesOf(same, bases)
    expect(of?.variants.good).not.toHaveProperty('gapClosed')
  })

  it('has no standard error where a single row counts', () => {
    const tokens = text.tokens.map((count, i) => (i === 0 ? count : 0))
    const single = perplexitiesOf({ ...text, tokens }, bases)
    expect(single.statistics?.rows).toBe(1)
    expect(single.statistics?.logRatioErrors).toBeUndefined()
    expect(single.statistics?.variants.good?.klDivergence.standardError).toBeNull()
    expect(distinguishable(single, subject.full, subject.variant('good'))).toBeUndefined()
  })

  it('is unknown of a run that an older version made', () => {
    const { statistics: _, ...older } = measured
    expect(distinguishable(older, subject.full, subject.variant('good'))).toBeUndefined()
  })
})
