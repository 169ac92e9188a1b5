import { describe, expect, it } from 'vitest'
import { resultTable } from '../../../../src/cli/output/resultTable'
import { meanLossRemoved } from '../../../../src/shared/proof'

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
      '                a.txt  gap closed  loss removed',
      '──────────────  ─────  ──────────  ────────────',
      'full precision  80.00',
      'quantized       90.00',
      'zero            90.00       0.0 %         0.0 %',
      'exact           82.50      75.0 %        62.5 %'
    ])
  })

  it('measures each variant against its own quantizer', () => {
    const perplexity = {
      'a.txt': {
        tokens: 10,
        fullPrecision: 80,
        quantizers: { nf4: 90, other: 100 },
        variants: { one: 85, two: 85 }
      }
    }
    const variants = [variant('one', 'nf4', layers([1, 0.5])), variant('two', 'other', layers([1, 0.5]))]
    const rows = resultTable({ perplexity, variants })
    expect(rows.slice(3)).toEqual([
      'quantized other  100.0',
      'two              85.00      75.0 %        50.0 %',
      'quantized nf4    90.00',
      'one              85.00      50.0 %        50.0 %'
    ])
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
})
