import { describe, expect, it } from 'vitest'
import { resultTable } from '../../../../src/cli/output/resultTable'
import { meanLossRemoved } from '../../../../src/shared/proof'
import { measuredText, NF4 } from '../../../helpers/measured'
import { refinementResult } from '../../../helpers/stores'

const layers = (...losses: [number, number][]) => losses.map(([lossRank0, loss]) => ({ lossRank0, loss })) as never

const variant = (name: string, quantizer: string, removed: never) => ({
  name,
  method: name,
  rank: 4,
  quantizer,
  adapter: `/out/${name}`,
  layers: removed
})

describe('the table of results', () => {
  it('has a row for full precision, the quantized base and each variant', () => {
    const perplexity = {
      'a.txt': {
        tokens: 10,
        fullPrecision: 80,
        quantizers: { nf4: 90 },
        variants: { zero: 90, exact: 82.5 }
      }
    }
    const variants = [variant('zero', 'nf4', layers([2, 2])), variant('exact', 'nf4', layers([2, 1], [4, 1]))]
    expect(resultTable({ perplexity, variants })).toEqual([
      'a.txt: 10 predicted tokens',
      '',
      '                perplexity  gap closed',
      '──────────────  ──────────  ──────────',
      'full precision       80.00',
      'quantized            90.00',
      'zero                 90.00       0.0 %',
      'exact                82.50      75.0 %',
      'Few tokens: below 4,000 the perplexity is uncertain. Give more evaluation text or rows.',
      '',
      '       loss removed',
      '─────  ────────────',
      'zero          0.0 %',
      'exact        62.5 %'
    ])
  })

  it('says below its name how much of a text the calibration rows cover', () => {
    const covered = { tokens: 10, fullPrecision: 80, quantizers: { nf4: 90 }, variants: { a: 85 }, coverage: 0.9213 }
    const rows = resultTable({ perplexity: { 'a.txt': covered }, variants: [variant('a', 'nf4', layers([1, 0.5]))] })
    expect(rows.slice(0, 3)).toEqual([
      'a.txt: 10 predicted tokens',
      '  92.1 % of its tokens occur in the calibration rows',
      ''
    ])
  })

  it('measures each variant against its own quantizer', () => {
    const perplexity = {
      'a.txt': {
        tokens: 10,
        fullPrecision: 80,
        quantizers: { nf4: 90, int8: 100 },
        variants: { one: 85, two: 85 }
      }
    }
    const variants = [variant('one', 'nf4', layers([1, 0.5])), variant('two', 'int8', layers([1, 0.5]))]
    const rows = resultTable({ perplexity, variants })
    expect(rows.slice(4, 9)).toEqual([
      'full precision       80.00',
      'quantized INT8       100.0',
      'two                  85.00      75.0 %',
      'quantized NF4        90.00',
      'one                  85.00      50.0 %'
    ])
  })

  const names = ['zero-r4', 'svd-r4', 'exact-r4', 'quailora-r4']
  const results = (gap: number) => ({
    perplexity: {
      'a.txt': measuredText({
        gap,
        left: { 'zero-r4': 1, 'svd-r4': 0.6, 'exact-r4': 0.2, 'quailora-r4': 0.201 },
        rows: 200
      })
    },
    variants: names.map((name) => variant(name, NF4, layers([2, 1])))
  })

  it('has every figure with its standard error, in a terminal of 80 columns', () => {
    const rows = resultTable(results(0.1))
    expect(rows[0]).toBe('a.txt: 4,594 predicted tokens in 200 rows; ± is one standard error over rows')
    expect(rows[2]).toBe('                  perplexity    gap closed    KL divergence  same top token')
    const [full, base, zero, svd] = rows.slice(4)
    expect(full).toMatch(/^full precision {2}\d+\.\d\d ± \d\.\d\d$/)
    expect(base).toMatch(/^quantized {7}\d+\.\d\d ± \d\.\d\d +0\.\d+ ± 0\.\d+ +\d\d\.\d+ ± 0\.\d+ %$/)
    expect(zero).toMatch(/^zero-r4 {9}\d+\.\d\d ± \d\.\d\d {9}0\.0 % +0\.\d+ ± 0\.\d+ +\d\d\.\d+ ± 0\.\d+ %$/)
    expect(svd).toMatch(/ ± \d\.\d\d {2}\d\d\.\d ± \d\.\d % {2}/)
    for (const row of rows) expect(row.length).toBeLessThanOrEqual(80)
  })

  it('says what its rows do not tell apart', () => {
    const rows = resultTable(results(0.1))
    const at = rows.findIndex((row) => row.startsWith('Not distinguishable'))
    expect(rows.slice(at, at + 4)).toEqual([
      'Not distinguishable (within 2 standard errors, paired over rows):',
      '  zero-r4 from quantized',
      '  quailora-r4 from the best, exact-r4', // whose divergence is a little less
      ''
    ])
    expect(rows.join('\n')).not.toContain('Few tokens')
  })

  it('tells no share of a gap that may be none', () => {
    const text = resultTable(results(1e-4)).join('\n')
    expect(text).toContain('  quantized from full precision, so its gap is unclear')
    expect(text).toMatch(/svd-r4 +[\d.]+ ± [\d.]+ +unclear /)
  })

  it('shows the loss alone when nothing was evaluated', () => {
    expect(resultTable({ perplexity: {}, variants: [variant('svd', 'nf4', layers([4, 3]))] })).toEqual([
      '     loss removed',
      '───  ────────────',
      'svd        25.0 %'
    ])
  })

  it('leaves linears out that had no loss to remove', () => {
    expect(meanLossRemoved(layers([0, 0], [4, 1]))).toBe(0.75)
    expect(meanLossRemoved(layers([0, 0]))).toBeNaN()
  })

  it('says what became of refinements, and that the losses are those of their starts', () => {
    const found = variant('exact-refined', 'nf4', layers([2, 1]))
    const kept = { ...found, refinement: refinementResult(2) }
    expect(resultTable({ perplexity: {}, variants: [variant('exact', 'nf4', layers([2, 1])), kept] })).toEqual([
      '                      loss removed',
      '────────────────────  ────────────',
      'exact                       50.0 %',
      'exact-refined, start        50.0 %',
      '',
      'Refined against the whole model; rows held out from it decided what is kept:',
      '  exact-refined: held-out KL 0.00333 → 0.00200 (−40 %), kept after 12 of 48 steps; without an adapter 0.00833',
      'Figures of layers are those of the start, before refinement: refinement looks at the whole model, and leaves the optimum of single layers.'
    ])
    const start = resultTable({ perplexity: {}, variants: [{ ...found, refinement: refinementResult(0) }] })
    expect(start.join('\n')).toContain('exact-refined        50.0 %')
    expect(start.at(-1)).toMatch(/^ {2}exact-refined: the start was kept/)
  })
})
