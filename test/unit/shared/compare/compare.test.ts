import { describe, expect, test } from 'vitest'
import type { ComparedRun } from '../../../../src/shared/compare/comparedRun'
import { parseFilter } from '../../../../src/shared/compare/filter'
import { comparisonTable, difference, type Metric, metricsOf } from '../../../../src/shared/compare/metrics'
import { rowLabels } from '../../../../src/shared/compare/rowLabels'
import { type ComparisonRow, comparisonRows, type RowPerplexity } from '../../../../src/shared/compare/rows'
import { errorCurves, rankSeries } from '../../../../src/shared/compare/series'
import { differingSettings } from '../../../../src/shared/compare/settings'
import { Recipe } from '../../../../src/shared/recipe'
import { measuredText } from '../../../helpers/measured'
import { refinementResult } from '../../../helpers/stores'

const TEXT = 'evaluation.txt'

/** A run of svd and quailora at one rank: full precision 80, quantized 90, svd closes `svd` of the gap, quailora twice that. */
function run(id: string, rank: number, svd: number, changes: Partial<Recipe> = {}): ComparedRun {
  const recipe = Recipe.parse({
    version: 1,
    name: `run ${id}`,
    model: '/models/small',
    calibration: { files: ['/texts/calibration.txt'] },
    variants: ['svd', 'quailora'].map((method) => ({ method, rank })),
    ...changes
  })
  const totals = { layers: 2, lossRank0: 10, meanRemoved: 0.3, width: 100 }
  const variant = (method: string, loss: number) => ({
    name: `${method}-r${rank}`,
    method,
    rank,
    quantizer: 'nf4-b64-dq',
    refined: false,
    refinement: null,
    totals: { ...totals, loss }
  })
  return {
    id,
    title: `run ${id}`,
    status: 'completed',
    createdAtMs: 0,
    workedMs: 5000,
    model: recipe.model,
    tags: ['law'],
    notes: '',
    quailVersion: '0.1.0',
    recipe,
    texts: { calibration: [{ name: 'calibration.txt', sha256: 'a'.repeat(64) }], evaluation: [] },
    variants: [variant('svd', 8), variant('quailora', 4)],
    perplexity: {
      [TEXT]: {
        tokens: 100,
        fullPrecision: 80,
        quantizers: { 'nf4-b64-dq': 90 },
        variants: { [`svd-r${rank}`]: 90 - 10 * svd, [`quailora-r${rank}`]: 90 - 20 * svd }
      }
    }
  }
}

describe('labels of rows', () => {
  const labelsOf = (runs: ComparedRun[], where?: 'beside the run') => [
    ...rowLabels(
      comparisonRows(
        runs,
        runs.map(({ id }) => id)
      ),
      where
    ).values()
  ]

  test('are the variants of one run, with the run where there are several', () => {
    const runs = [run('a', 8, 0.2), run('b', 8, 0.3)]
    expect(labelsOf(runs.slice(0, 1))).toEqual(['svd-r8', 'quailora-r8'])
    expect(labelsOf(runs)[0]).toBe('svd-r8 · run a')
    expect(labelsOf(runs, 'beside the run')[0]).toBe('svd-r8')
  })

  test('name what differs between runs of one title, or else their ids', () => {
    const title = 'a sweep'
    const sweep = [16, 64].map((rows) => {
      const calibration = { files: ['/texts/calibration.txt'], rows }
      return { ...run(String(rows), 8, 0.2, { calibration }), title }
    })
    expect(labelsOf(sweep)).toEqual(
      [16, 64].flatMap((n) => ['svd', 'quailora'].map((m) => `${m}-r8 · calibration.rows ${n}`))
    )
    const twice = ['x', 'y'].map((id) => ({ ...run(id, 8, 0.2), title }))
    expect(labelsOf(twice)).toEqual(['svd-r8 · x', 'quailora-r8 · x', 'svd-r8 · y', 'quailora-r8 · y'])
  })
})

describe('rows', () => {
  test('are the variants that the keys name, a run alone standing for all, each once and in that order', () => {
    const rows = comparisonRows(
      [run('a', 8, 0.2), run('b', 16, 0.3)],
      ['b/quailora-r16', 'gone', 'a', 'b/none', 'a/svd-r8']
    )
    expect(rows.map(({ key }) => key)).toEqual(['b/quailora-r16', 'a/svd-r8', 'a/quailora-r8'])
  })

  test('hold the figures of their variant', () => {
    const [row] = comparisonRows([run('a', 8, 0.2)], ['a/svd-r8'])
    expect(row?.perplexity[TEXT]).toMatchObject({ fullPrecision: 80, quantized: 90, adapter: 88, gapClosed: 0.2 })
    expect(row?.lossRemoved).toBeCloseTo(0.2, 12)
    expect(row?.parameters).toBe(800)
  })

  test('of a run that is not finished have no figures, rather than wrong ones', () => {
    const full = run('a', 8, 0.2)
    const begun = { ...full, perplexity: {}, variants: full.variants.map((v) => ({ ...v, totals: null })) }
    const [row] = comparisonRows([begun], ['a'])
    expect([row?.perplexity, row?.lossRemoved, row?.parameters]).toEqual([{}, undefined, undefined])
  })
})

describe('differences', () => {
  const [svd, quailora] = comparisonRows([run('a', 8, 0.2)], ['a']) as [never, never]
  const metric = (key: string) => metricsOf([TEXT]).find((one) => one.key === key)!

  test('are signed, and know which way is better', () => {
    expect(difference(metric(`perplexity ${TEXT}`), quailora, svd)).toEqual({ value: -2, verdict: 'better' })
    expect(difference(metric(`perplexity ${TEXT}`), svd, quailora)).toEqual({ value: 2, verdict: 'worse' })
    expect(difference(metric(`gap ${TEXT}`), quailora, svd)?.verdict).toBe('better')
    expect(difference(metric('parameters'), quailora, svd)).toEqual({ value: 0, verdict: undefined })
  })

  test('are none where one side was not measured', () => {
    const [other] = comparisonRows([{ ...run('b', 8, 0.2), perplexity: {} }], ['b'])
    expect(difference(metric(`perplexity ${TEXT}`), other!, svd)).toBeUndefined()
  })

  test('say so where a base is not told from full precision: its share of the gap says nothing', () => {
    const measured = measuredText({ gap: 0.0001, left: { 'svd-r8': 0.6, 'quailora-r8': 0.2 } })
    const [row, other] = comparisonRows([{ ...run('a', 8, 0.2), perplexity: { [TEXT]: measured } }], ['a'])
    const gap = metricsOf([TEXT]).find(({ title }) => title === 'Gap closed')
    expect(row?.perplexity[TEXT]?.gapUnclear).toBe(true)
    expect([gap?.value(row as never), gap?.instead?.(row as never)]).toEqual([undefined, 'gap unclear'])
    expect(difference(gap as never, other as never, row as never)).toBeUndefined()
  })

  test('are not called better or worse where the rows do not tell them apart', () => {
    const measured = measuredText({ gap: 0.1, left: { 'svd-r8': 0.6, 'quailora-r8': 0.2, 'exact-r8': 0.201 } })
    const base = run('a', 8, 0.2)
    const exact = { ...base.variants[0], name: 'exact-r8', method: 'exact' } as (typeof base.variants)[number]
    const known = { ...base, variants: [...base.variants, exact], perplexity: { [TEXT]: measured } }
    const rows = comparisonRows([known, { ...known, id: 'b' }], ['a', 'b'])
    const [svd, quailora, same, svdOfOther, other] = rows as [never, never, never, never, never]
    const metrics = metricsOf([TEXT], rows)
    expect(metrics.map(({ title }) => title).slice(0, 4)).toEqual([
      'Perplexity',
      'Gap closed',
      'KL divergence',
      'Same top token'
    ])
    for (const one of metrics.slice(0, 3)) {
      expect(difference(one, quailora, svd)?.verdict, one.title).toBe('better')
      expect(difference(one, quailora, same)?.verdict, one.title).toBe('unclear')
    }
    // Rows of another run are not known to go together, unless they were read.
    expect(difference(metrics[0] as never, quailora, other)?.verdict).toBeUndefined()
    const verdictWith = (error: number) => {
      const errors = { 'quailora-r8': error }
      const paired = metricsOf([TEXT], rows, { a: { [TEXT]: { logRatioErrors: errors } } })
      return difference(paired[0] as never, quailora, svdOfOther)?.verdict
    }
    expect([verdictWith(0.01), verdictWith(0.5)]).toEqual(['better', 'unclear'])
    const { columns, rows: lines } = comparisonTable([quailora], metrics)
    const { statistics } = measured
    expect(lines[0]?.[columns.indexOf(`perplexity ${TEXT}, standard error`)]).toBe(
      statistics?.variants['quailora-r8']?.standardError
    )
    expect(lines[0]?.[columns.indexOf(`KL divergence ${TEXT}`)]).toBe(
      statistics?.variants['quailora-r8']?.klDivergence.mean
    )
  })

  test('come with every digit into the table for a file', () => {
    const { columns, rows } = comparisonTable([svd], metricsOf([TEXT]))
    expect(rows[0]?.[columns.indexOf(`perplexity ${TEXT}`)]).toBe(88)
    expect(rows[0]?.[columns.indexOf('variant')]).toBe('svd-r8')
  })
})

describe('settings that differ', () => {
  test('are named with dots, with the row’s own variant in place of the list', () => {
    const rows = comparisonRows([run('a', 8, 0.2), run('b', 16, 0.3, { context: 512 })], ['a/svd-r8', 'b/svd-r16'])
    expect(differingSettings(rows)).toEqual([
      { key: 'context', values: ['256', '512'] },
      { key: 'variant.rank', values: ['8', '16'] }
    ])
  })

  test('include the bytes of a text whose name stayed', () => {
    const other = {
      ...run('b', 8, 0.2),
      texts: { calibration: [{ name: 'calibration.txt', sha256: 'b'.repeat(64) }], evaluation: [] }
    }
    const rows = comparisonRows([run('a', 8, 0.2), other], ['a/svd-r8', 'b/svd-r8'])
    expect(differingSettings(rows)).toEqual([{ key: 'calibration.sha256', values: ['a'.repeat(12), 'b'.repeat(12)] }])
  })

  test('are none for a single row', () => {
    expect(differingSettings(comparisonRows([run('a', 8, 0.2)], ['a/svd-r8']))).toEqual([])
  })
})

describe('a filter', () => {
  const item = {
    name: 'Law sweep 7 svd-r16',
    method: 'svd',
    rank: '16',
    model: 'meta/llama-3',
    tag: 'paper keep',
    status: 'completed'
  }

  test.each([
    ['', true],
    ['law SVD', true],
    ['"sweep 7"', true],
    ['"7 sweep"', false],
    ['-quailora', true],
    ['-svd', false],
    ['method:svd tag:paper', true],
    ['method:exact', false],
    ['rank:16', true],
    ['rank:1', false],
    ['-rank:16', false],
    ['model:llama -tag:retry', true],
    ['http://x', false]
  ])('%j: %j', (text, expected) => {
    expect(parseFilter(text)(item)).toBe(expected)
  })
})

test('a rank budget without bounds is a setting that differs', () => {
  const [plain, budget] = [{ method: 'svd' }, { method: 'svd', rankBudget: {} }].map((variant) =>
    Recipe.parse({ version: 1, model: '/m', calibration: { files: ['/t'] }, variants: [variant] })
  ) as [Recipe, Recipe]
  const rowOf = (recipe: Recipe, name: string): ComparisonRow => {
    const own = run('a', 16, 0.2)
    const variants = own.variants.slice(0, 1).map((one) => ({ ...one, name }))
    return comparisonRows([{ ...own, recipe, variants }], ['a'])[0] as ComparisonRow
  }
  const found = differingSettings([rowOf(plain, 'svd-r16'), rowOf(budget, 'svd-r16-budget')])
  expect(found).toEqual([{ key: 'variant.rankBudget', values: [undefined, 'yes'] }])
})

describe('series', () => {
  test('hold one line per method, points by rank', () => {
    const rows = comparisonRows([run('b', 16, 0.3), run('a', 8, 0.2)], ['b', 'a'])
    const found = rankSeries(rows, TEXT)
    expect(found.map(({ label }) => label)).toEqual(['svd', 'quailora'])
    expect(found[0]?.points.map(({ rank, perplexity }) => [rank, perplexity])).toEqual([
      [8, 88],
      [16, 87]
    ])
  })

  test('keep refined variants apart from those of the same method', () => {
    const refined = {
      ...run('a', 8, 0.2),
      variants: run('a', 8, 0.2).variants.map((one) => ({ ...one, refined: true }))
    }
    const found = rankSeries(comparisonRows([{ ...refined, id: 'b' }, run('a', 8, 0.2)], ['b', 'a']), TEXT)
    expect(found.map(({ label }) => label)).toEqual(['svd, refined', 'quailora, refined', 'svd', 'quailora'])
  })

  test('keep variants with ranks by layer apart, refined or not', () => {
    const [found] = run('a', 8, 0.2).variants as [ComparedRun['variants'][number]]
    const variants = [
      found,
      { ...found, name: 'b', ranksByLayer: true },
      { ...found, name: 'c', ranksByLayer: true, refined: true }
    ]
    const rows = comparisonRows([{ ...run('a', 8, 0.2), variants }], ['a'])
    const text = rows.map((row) => ({ ...row, perplexity: { [TEXT]: rows[0]?.perplexity[TEXT] as RowPerplexity } }))
    expect(rankSeries(text, TEXT).map(({ label }) => label)).toEqual([
      'svd',
      'svd, ranks by layer',
      'svd, ranks by layer, refined'
    ])
  })

  test('of equal bases are drawn once, under both names', () => {
    const curve = {
      variant: 'svd-r2',
      method: 'svd',
      rank: 2,
      quantizer: 'nf4',
      refined: false,
      ofStart: false,
      loss: 5,
      lossRank0: 8,
      eigenvalues: [4, 2]
    }
    const curves = [
      { ...curve, run: 'a' },
      { ...curve, run: 'b' },
      { ...curve, run: 'c', eigenvalues: [4, 4] }
    ]
    const runs = ['a', 'b', 'c'].map((id) => ({ id, title: `run ${id}` }))
    expect(errorCurves(curves, runs).map(({ label, left }) => [label, left])).toEqual([
      ['run a, run b', [1, 0.5, 0.25]],
      ['run c', [1, 0.5, 0]]
    ])
  })
})

test('what a refinement left of the layers’ errors is not known: the figure of the start is told as such', () => {
  const plain = run('a', 8, 0.2)
  const variants = plain.variants.map((one, i) => ({
    ...one,
    refined: true,
    // The first kept its start: its layers are the adapter's own.
    refinement: refinementResult(i === 0 ? 0 : 2)
  }))
  const [kept, changed] = comparisonRows([{ ...plain, variants }], ['a']) as [ComparisonRow, ComparisonRow]
  const [removed] = metricsOf([]).filter(({ key }) => key === 'removed') as [Metric]
  expect([kept.lossRemoved, removed.instead?.(kept)]).toEqual([
    comparisonRows([plain], ['a'])[0]?.lossRemoved,
    undefined
  ])
  expect(removed.value(changed)).toBeUndefined()
  expect(removed.instead?.(changed)).toMatch(/^start \d+\.\d %$/)
})
