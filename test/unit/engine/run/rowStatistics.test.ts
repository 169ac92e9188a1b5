import { describe, expect, it } from 'vitest'
import { perplexitiesOf } from '../../../../src/engine/run/rowStatistics'
import { Perplexities } from '../../../../src/shared/runEvents'
import { distinguishable, logRatioError, subject } from '../../../../src/shared/uncertainty'
import { gaussian } from '../../../helpers/matrices'

const ROWS = 80
const tokens = Array.from({ length: ROWS }, (_, i) => 20 + (i % 7))
const bases = new Map([
  ['good', 'nf4-b64-dq'],
  ['nothing', 'nf4-b64-dq'],
  ['nf4-b64-dq', 'nf4-b64-dq']
])

/** Rows of full precision, of a base that is `gap` worse, and of variants: one good, one that is its base, one noise. */
function rowsOf(gap: number) {
  const next = gaussian('row statistics', gap)
  const full = tokens.map((count) => count * (4 + 0.3 * next()))
  const worse = (by: number, noise = 0.02) => ({
    loss: full.map((loss, i) => loss + (tokens[i] as number) * (by + noise * next())),
    klDivergence: tokens.map((count) => count * by * (1 + 0.1 * next())),
    sameTopToken: tokens.map((count) => Math.round(0.9 * count))
  })
  const base = worse(gap)
  const quantizers = { 'nf4-b64-dq': base }
  // A variant may have the name of a quantizer.
  return {
    tokens,
    fullPrecision: { loss: full },
    quantizers,
    variants: { good: worse(gap / 4), nothing: base, 'nf4-b64-dq': worse(gap) }
  }
}

describe('what the rows of a text say', () => {
  const measured = perplexitiesOf(rowsOf(0.1), bases)
  const statistics = measured.statistics as NonNullable<typeof measured.statistics>

  it('is stored as it was computed', () => {
    expect(Perplexities.parse(JSON.parse(JSON.stringify(measured)))).toEqual(measured)
  })

  it('knows differences better than perplexities', () => {
    const paired = logRatioError(measured, subject.variant('good'), subject.quantizer('nf4-b64-dq')) as number
    expect(paired).toBeGreaterThan(0)
    expect(paired).toBeLessThan((statistics.fullPrecision.standardError as number) / measured.fullPrecision / 5)
  })

  it('tells apart what differs, and not what does not', () => {
    const base = subject.quantizer('nf4-b64-dq')
    expect(distinguishable(measured, base, subject.full)).toBe(true)
    expect(distinguishable(measured, subject.variant('good'), base)).toBe(true)
    expect(distinguishable(measured, subject.variant('nothing'), base)).toBe(false)
    expect(distinguishable(measured, subject.variant('nf4-b64-dq'), base)).toBe(false)
  })

  it('has a share of the gap with its standard error for each variant', () => {
    const quantized = measured.quantizers['nf4-b64-dq'] as number
    expect(statistics.variants.good?.gapClosed?.share).toBeCloseTo(
      (quantized - (measured.variants.good as number)) / (quantized - measured.fullPrecision),
      12
    )
    expect(statistics.variants.good?.gapClosed?.standardError).toBeGreaterThan(0)
    expect(statistics.variants.nothing?.gapClosed).toEqual({ share: 0, standardError: 0 })
  })

  it('is that there is no gap, where there is none', () => {
    const rows = rowsOf(0.1)
    const same = { ...rows, quantizers: { 'nf4-b64-dq': { ...rows.variants.good, loss: rows.fullPrecision.loss } } }
    const { statistics: of } = perplexitiesOf(same, bases)
    expect(of?.variants.good).not.toHaveProperty('gapClosed')
  })

  it('has no standard error where a single row counts', () => {
    const rows = rowsOf(0.1)
    const single = perplexitiesOf({ ...rows, tokens: tokens.map((count, i) => (i === 0 ? count : 0)) }, bases)
    expect(single.statistics?.rows).toBe(1)
    expect(single.statistics?.covariance).toBeUndefined()
    expect(single.statistics?.variants.good?.klDivergence.standardError).toBeNull()
    expect(distinguishable(single, subject.full, subject.variant('good'))).toBeUndefined()
  })

  it('is unknown of a run that an older version made', () => {
    const { statistics: _, ...older } = measured
    expect(distinguishable(older, subject.full, subject.variant('good'))).toBeUndefined()
  })
})
