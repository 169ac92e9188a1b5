import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/engine/numerics/random'
import { ratioCovariance, ratioError, ratioOf, shareError } from '../../src/engine/numerics/ratioEstimates'
import { gaussian } from '../helpers/matrices'

/** Rows of 1 to `most` tokens whose losses share a part, as rows of two models do. */
function sample(rows: number, most: number) {
  const random = seededRandom('rows', String(most))
  const next = gaussian('losses', rows + most)
  const tokens = Array.from({ length: rows }, () => 1 + Math.floor(most * random()))
  const shared = tokens.map((count) => count * 4 + Math.sqrt(count) * next())
  const own = () => shared.map((loss, i) => loss + 0.3 * Math.sqrt(tokens[i] as number) * next())
  return { tokens, a: { totals: own(), tokens }, b: { totals: own(), tokens } }
}

/** Standard deviation of `statistic` over samples of the rows, drawn with replacement. */
function bootstrap(rows: number, statistic: (drawn: readonly number[]) => number): number {
  const random = seededRandom('bootstrap')
  const values = Array.from({ length: 4000 }, () =>
    statistic(Array.from({ length: rows }, () => Math.floor(rows * random())))
  )
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
}

const drawnRatio = (totals: readonly number[], tokens: readonly number[], drawn: readonly number[]): number =>
  ratioOf({ totals: drawn.map((i) => totals[i] as number), tokens: drawn.map((i) => tokens[i] as number) })

// 4,000 samples know a standard deviation to about 1 %; that of 60 rows differs from the formula's by terms of order 1 / 60.
const near = (found: number, expected: number) => expect(Math.abs(found / expected - 1)).toBeLessThan(0.06)

describe('a mean over tokens of rows', () => {
  it('is that of all tokens, not of rows', () => {
    expect(ratioOf({ totals: [10, 3], tokens: [10, 1] })).toBe(13 / 11)
  })

  it('has the standard error of a plain mean where rows are equally long', () => {
    const totals = [2, 4, 9, 1]
    const mean = 4
    const variance = totals.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 3
    expect(ratioError({ totals, tokens: [1, 1, 1, 1] })).toBeCloseTo(Math.sqrt(variance / 4), 12)
    expect(ratioError({ totals: totals.map((x) => 5 * x), tokens: [5, 5, 5, 5] })).toBeCloseTo(
      Math.sqrt(variance / 4),
      12
    )
  })

  it.each([1, 50])('has the standard error that a bootstrap over rows of 1 to %d tokens has', (most) => {
    const { tokens, a } = sample(60, most)
    near(
      ratioError(a),
      bootstrap(60, (drawn) => drawnRatio(a.totals, tokens, drawn))
    )
  })

  it('is far less certain than the difference of two over the same rows', () => {
    const { tokens, a, b } = sample(60, 50)
    const [aa, bb, ab] = [ratioCovariance(a, a), ratioCovariance(b, b), ratioCovariance(a, b)]
    const paired = Math.sqrt(aa + bb - 2 * ab)
    near(
      paired,
      bootstrap(60, (drawn) => drawnRatio(a.totals, tokens, drawn) - drawnRatio(b.totals, tokens, drawn))
    )
    expect(paired).toBeLessThan(ratioError(a) / 2)
  })

  it('does not change with rows of which nothing counts', () => {
    const { a } = sample(60, 50)
    const longer = { totals: [...a.totals, 0], tokens: [...a.tokens, 0] }
    expect(ratioError(longer)).toBe(ratioError(a))
  })

  it('has no standard error when a single row counts', () => {
    expect(ratioError({ totals: [3, 0], tokens: [2, 0] })).toBeNaN()
  })
})

describe('a share of a difference', () => {
  // Three perplexities over the same 200 rows; the gap is `gap` of its standard errors wide.
  it.each([20, 6, 4])('has the standard error of a bootstrap where the gap is %d of its own', (gap) => {
    const next = gaussian('share', gap)
    const tokens = Array.from({ length: 200 }, () => 10)
    const rows = (mean: number, own: number) => tokens.map(() => 10 * mean + own * next())
    const shared = rows(4, 10)
    const noise = (mean: number) => rows(mean, 1).map((own, i) => own + (shared[i] as number))
    const width = (gap * Math.SQRT2 * 0.1) / Math.sqrt(200)
    const losses = [noise(width), noise(0.4 * width), noise(0)] as const
    const estimates = losses.map((totals) => ({ totals, tokens }))
    const values = estimates.map(ratioOf) as [number, number, number]
    const covariance = estimates.map((a) => estimates.map((b) => ratioCovariance(a, b)))
    const share = (drawn: readonly number[]): number => {
      const [a, b, c] = losses.map((totals) => drawnRatio(totals, tokens, drawn)) as [number, number, number]
      return (a - b) / (a - c)
    }
    expect(Math.abs(shareError(values, covariance) / bootstrap(200, share) - 1)).toBeLessThan(0.1)
  })

  it('is certain where it is no estimate: of the same rows', () => {
    const same = [
      [2, 2, 1],
      [2, 2, 1],
      [1, 1, 1]
    ]
    expect(shareError([5, 5, 4], same)).toBe(0)
  })
})
