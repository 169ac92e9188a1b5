import { expect, it } from 'vitest'
import { barOf, barWords, sweepCurves } from '../../../../src/shared/sweep/curves'
import type { SweepFigures, SweepResults } from '../../../../src/shared/sweep/results'

const estimate = (mean: number) => ({ mean, deviation: undefined, rowError: undefined, values: [mean] })

const figures = (method: string, rank: number, kl: number, changes: Partial<SweepFigures> = {}): SweepFigures => ({
  set: 'law',
  text: 'a.txt',
  own: true,
  variant: { name: `${method}-r${rank}`, method, rank, quantizer: 'nf4-b64-dq', refined: false },
  perplexity: estimate(10 + kl),
  gapClosed: undefined,
  klDivergence: estimate(kl),
  sameTopToken: undefined,
  ...changes
})

const results: SweepResults = {
  bases: [
    {
      ...{ text: 'a.txt', quantizer: 'nf4-b64-dq', fullPrecision: 9, quantized: 11, klDivergence: 0.5 },
      gapUnclear: false
    }
  ],
  figures: [
    figures('exact', 16, 0.1),
    figures('exact', 4, 0.3),
    figures('svd', 4, 0.4),
    figures('svd', 4, 9, { set: 'sea' }),
    figures('svd', 4, 9, { text: 'b.txt' })
  ]
}

it('a sweep has a curve for each method on one text after one calibration set, by rank', () => {
  const { lines, references } = sweepCurves(results, 'klDivergence', 'law', 'a.txt')
  expect(lines.map(({ label, points }) => [label, points.map(({ rank, estimate: e }) => [rank, e.mean])])).toEqual([
    [
      'exact',
      [
        [4, 0.3],
        [16, 0.1]
      ]
    ],
    ['svd', [[4, 0.4]]]
  ])
  expect(references).toEqual([])
})

it('ranks by layer are a curve of their own, as is what is refined', () => {
  const treated = (changes: Partial<SweepFigures['variant']>) =>
    figures('svd', 8, 0.2, { variant: { ...figures('svd', 8, 0.2).variant, ...changes } })
  const all = {
    ...results,
    figures: [figures('svd', 8, 0.4), treated({ ranksByLayer: true }), treated({ refined: true })]
  }
  const { lines } = sweepCurves(all, 'klDivergence', 'law', 'a.txt')
  expect(lines.map(({ label }) => label)).toEqual(['svd', 'svd, ranks by layer', 'svd, refined'])
})

it('perplexity has full precision beside it; what no seed knows has no curve', () => {
  expect(sweepCurves(results, 'perplexity', 'law', 'a.txt').references).toEqual([{ label: 'full precision', value: 9 }])
  expect(sweepCurves(results, 'gapClosed', 'law', 'a.txt').lines).toEqual([])
})

it('bars are called what is drawn: over seeds only where two or more are done', () => {
  const one = { ...estimate(1), rowError: 0.3 }
  const two = { ...one, deviation: 0.1, values: [0.9, 1.1] }
  const line = (...estimates: (typeof one | typeof two)[]) => ({
    points: estimates.map((each, i) => ({ name: `svd-r${i}`, rank: i, estimate: each }))
  })
  expect([barOf(one), barOf(two), barOf(estimate(1))]).toEqual([0.3, 0.1, 0])
  expect(barWords([line(one, one)])).toBe('one standard error over rows')
  expect(barWords([line(two), line(two)])).toBe('one standard deviation over seeds')
  expect(barWords([line(two), line(one)])).toMatch(/^one standard deviation over seeds, or standard error over rows/)
})
