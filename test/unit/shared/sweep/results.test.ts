import { describe, expect, it } from 'vitest'
import type { Perplexities } from '../../../../src/shared/runEvents'
import { placeText, type SweepDefinition } from '../../../../src/shared/sweep'
import { errorWords, estimateOf, seedsShare, seedsText } from '../../../../src/shared/sweep/estimates'
import {
  runsByIndex,
  runsSentence,
  type SweptRun,
  sweepFailures,
  sweepResults
} from '../../../../src/shared/sweep/results'
import { sweepTables } from '../../../../src/shared/sweep/tables'

const definition: SweepDefinition = {
  id: 's',
  name: 'sweep',
  out: '/out',
  sets: ['law', 'sea'].map((label) => ({ label, source: { files: [`/${label}.txt`], rows: 8 } })),
  seeds: 2,
  evaluation: ['law', 'sea']
}
const TEXTS = ['law-test.txt', '7'] // a name that JavaScript puts before others among the keys of an object
const variant = { name: 'svd-r4', method: 'svd', rank: 4, quantizer: 'nf4', refined: false }

/** Full precision has 10, the base 12, the adapter what is given; the base's log ratio has this standard error. */
function measured(adapter: number, divergence: number, gapError = 0.01): Perplexities {
  const fidelity = (standardError: number, mean: number, error: number) => ({
    standardError,
    klDivergence: { mean, standardError: error },
    sameTopToken: { share: 0.9, standardError: 0.01 }
  })
  return {
    tokens: 5000,
    fullPrecision: 10,
    quantizers: { nf4: 12 },
    variants: { 'svd-r4': adapter },
    statistics: {
      rows: 9,
      fullPrecision: { standardError: 0.5 },
      quantizers: { nf4: fidelity(0.6, 0.2, 0.01) },
      variants: {
        'svd-r4': {
          ...fidelity(0.55, divergence, 0.004),
          gapClosed: { share: (12 - adapter) / 2, standardError: 0.05 }
        }
      },
      logRatioErrors: {
        of: ['full precision', 'quantizer nf4', 'variant svd-r4'],
        values: [[], [gapError], [0.01, 0.01]]
      }
    }
  }
}

const run = (index: number, law: Perplexities, sea: Perplexities, changes: Partial<SweptRun> = {}): SweptRun => ({
  id: `run-${index}`,
  index,
  status: 'completed',
  variants: [variant],
  evaluation: TEXTS,
  perplexity: { 'law-test.txt': law, 7: sea },
  ...changes
})

describe('figures of a sweep', () => {
  const runs = [
    run(0, measured(11, 0.1), measured(11.5, 0.15)),
    run(1, measured(11.2, 0.12), measured(11.5, 0.15)),
    run(2, measured(11.6, 0.16), measured(11.1, 0.11))
  ]
  const { figures, bases } = sweepResults(definition, runs)
  const of = (set: string, text: string) => figures.find((one) => one.set === set && one.text === text)

  it('are means over seeds with their standard deviation, n − 1 in the divisor, and the error over rows beside it', () => {
    const found = of('law', 'law-test.txt')
    expect(found?.perplexity.mean).toBeCloseTo(11.1, 12)
    expect(found?.perplexity.deviation).toBeCloseTo(Math.sqrt(0.02), 12) // ±0.1 of two: √(2 · 0.01 / 1)
    expect(found?.perplexity.rowError).toBeCloseTo(0.55, 12)
    expect(found?.gapClosed?.mean).toBeCloseTo(0.45, 12)
    expect(found?.klDivergence).toMatchObject({ values: [0.1, 0.12] })
  })

  it('know which text is of the set’s own kind by its place, whatever the texts are called', () => {
    expect(figures.map(({ set, text, own }) => [set, text, own])).toEqual([
      ['law', 'law-test.txt', true],
      ['law', '7', false],
      ['sea', 'law-test.txt', false],
      ['sea', '7', true]
    ])
  })

  it('have no standard deviation of a single seed', () => {
    expect(of('sea', '7')?.perplexity).toMatchObject({ mean: 11.1, deviation: undefined, values: [11.1] })
    expect(bases).toHaveLength(2)
  })

  it('leave out runs that are not completed, and take of two runs of one place the completed one', () => {
    const failed = { ...run(0, measured(99, 9), measured(99, 9)), id: 'a', status: 'failed' as const }
    expect(sweepResults(definition, [failed, ...runs])).toEqual({ figures, bases })
    expect(runsByIndex([failed, ...runs]).get(0)?.id).toBe('run-0')
  })

  it('tell no share of a gap that is not told from none', () => {
    const unclear = measured(11, 0.1, 0.2) // log(12/10) = 0.18 is within two errors of 0.2
    const found = sweepResults(definition, [run(0, unclear, measured(11, 0.1))])
    expect(found.figures.find(({ text }) => text === 'law-test.txt')?.gapClosed).toBeUndefined()
    const [table] = sweepTables(definition, found)
    expect(table?.rows.at(-1)).toEqual(['svd-r4', 'law *', '11.00 (0.55)', 'gap unclear', '0.100 (0.0040)'])
  })

  it('stand in a table for each text, and in one for each variant with all sets and texts', () => {
    const tables = sweepTables(definition, { figures, bases })
    expect(tables.map(({ title }) => title)).toEqual([...TEXTS, 'svd-r4: each calibration set on each evaluation text'])
    expect(tables[0]?.rows.map((cells) => cells[0])).toEqual(['full precision', 'quantized', 'svd-r4', 'svd-r4'])
    expect(tables[2]?.columns).toEqual(['calibrated on', 'law: gap closed', 'law: KL', 'sea: gap closed', 'sea: KL'])
    expect(tables[2]?.rows[0]?.[1]).toBe('45.0 ± 7.1 % (5.0) *')
  })
})

describe('what is said of the runs of a sweep', () => {
  const of = (...statuses: SweptRun['status'][]) =>
    statuses.map((status, index) => run(index, measured(11, 0.1), measured(11, 0.1), { status }))

  it('names those that are not completed, and those that nobody made', () => {
    const runs = of('completed', 'failed', 'queued', 'queued')
    expect(runsSentence({ completed: 1, total: 6, runs })).toBe(
      '1 of 6 runs completed, 1 failed, 2 waiting, 2 not made'
    )
    expect(runsSentence({ completed: 1, total: 1, runs: of('completed') })).toBe('1 of 1 run completed')
  })
})

describe('why runs of a sweep failed', () => {
  it('is told once for all that failed alike, by their places', () => {
    const [gone, full] = ['the model directory /volume does not exist', '/volume: the disk is full']
    const of = (index: number, changes: Partial<SweptRun>) => run(index, measured(11, 0.1), measured(11, 0.1), changes)
    const runs = [
      of(0, { status: 'failed', failure: gone }),
      of(1, { status: 'completed' }),
      of(2, { status: 'failed', failure: full }),
      of(3, { status: 'failed', failure: gone }),
      // What a run failed of before it was put into the queue again is no news.
      of(3, { status: 'queued', failure: gone })
    ]
    expect(sweepFailures({ definition, runs })).toEqual([
      { message: gone, places: [placeText(definition, 0), placeText(definition, 3)] },
      { message: full, places: [placeText(definition, 2)] }
    ])
  })
})

describe('words of an estimate', () => {
  it('give the mean, ± over seeds, and the error over rows in brackets', () => {
    const estimate = estimateOf([
      { value: 85.9, error: 2.79 },
      { value: 85.94, error: 2.79 }
    ])
    expect(estimate && seedsText(estimate)).toBe('85.92 ± 0.03 (2.8)')
    const alone = estimateOf([{ value: 0.5, error: null }])
    expect(alone && seedsShare(alone)).toBe('50.0 %')
    expect(estimateOf([])).toBeUndefined()
  })

  it('give no deviation to seeds of the same value, whose sum is rounded', () => {
    const value = 943.0040266014109 // of svd, which no calibration moves
    const estimate = estimateOf(Array.from({ length: 3 }, () => ({ value, error: 47.74443 })))
    expect(estimate).toMatchObject({ mean: value, deviation: 0, rowError: 47.74443 })
    expect(seedsText(estimate as NonNullable<typeof estimate>)).toBe('943.0 (48)')
  })

  it('say what ± is', () => {
    expect(errorWords(3)).toMatch(/^± is one standard deviation over 3 seeds, each with other rows/)
    expect(errorWords(1)).toMatch(/^One seed, so no standard deviation/)
  })
})
