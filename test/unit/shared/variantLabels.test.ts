import { describe, expect, it } from 'vitest'
import { quantizerKey } from '../../../src/shared/quantizerWords'
import { Variant, variantNames } from '../../../src/shared/recipe'
import { variantLabels } from '../../../src/shared/variantLabels'

/** Labels of variants as a recipe names them. */
function labels(given: readonly object[]): string[] {
  const variants = given.map((one) => Variant.parse(one))
  const names = variantNames(variants)
  return variantLabels(
    variants.map(({ method, rank, quantizer }, i) => ({
      name: names[i] as string,
      method,
      rank,
      quantizer: quantizerKey(quantizer)
    }))
  )
}

describe('labels of variants', () => {
  it('are short in each run, though one variant has different names in different runs', () => {
    const alone = { name: 'svd-r16', method: 'svd', rank: 16, quantizer: 'nf4-b64-dq' }
    const mixed = ['nf4-b64-dq', 'int8'].map((quantizer) => ({ ...alone, name: `svd-r16-a16-${quantizer}`, quantizer }))
    const labelled = variantLabels([alone, ...mixed], ['one', 'two', 'two'])
    expect(labelled).toEqual(['svd-r16 · NF4', 'svd-r16 · NF4', 'svd-r16 · INT8'])
    expect(variantLabels([alone, ...mixed])).toEqual([alone.name, mixed[0]?.name, 'svd-r16 · INT8'])
  })

  it('are the short names while these tell them apart', () => {
    expect(labels([{ method: 'svd' }, { method: 'exact', rank: 8 }])).toEqual(['svd-r16', 'exact-r8'])
  })

  it('say of refinements that differ in steps, rows or learning rate in what they do', () => {
    const refined = (refine: object, more = {}) => ({ method: 'exact', rank: 8, refine, ...more })
    expect(labels([{ method: 'exact', rank: 8 }, refined({})])).toEqual(['exact-r8', 'exact-r8-refined'])
    expect(labels([refined({ steps: 48 }), refined({ steps: 8, learningRate: 0.02 })])).toEqual([
      'exact-r8-refined-48x4',
      'exact-r8-refined-8x4-0.02'
    ])
    const several = ['nf4', 'int8'].flatMap((format) =>
      [{ steps: 48 }, { steps: 8, learningRate: 1e-7 }].map((refine) => refined(refine, { quantizer: { format } }))
    )
    expect(labels(several)).toEqual([
      'exact-r8-refined-48x4 · NF4',
      'exact-r8-refined-8x4-1e-7 · NF4',
      'exact-r8-refined-48x4 · INT8',
      'exact-r8-refined-8x4-1e-7 · INT8'
    ])
  })

  it('name the quantizer where quantizers differ, with no more of it than is needed', () => {
    const mixed = [{ format: 'nf4' }, { format: 'int8' }].map((quantizer) => ({ method: 'svd', rank: 8, quantizer }))
    expect(labels(mixed)).toEqual(['svd-r8 · NF4', 'svd-r8 · INT8'])
    const blocks = [64, 128].map((blockSize) => ({
      method: 'svd',
      quantizer: { blockSize, doubleQuantization: false }
    }))
    expect(labels(blocks)).toEqual(['svd-r16 · NF4 block 64', 'svd-r16 · NF4 block 128'])
  })

  it('name the scaling where that differs', () => {
    expect(labels([{ method: 'svd' }, { method: 'svd', alpha: 32.5 }, { method: 'svd', rslora: true }])).toEqual([
      'svd-r16 · α 16',
      'svd-r16 · α 32.5',
      'svd-r16 · α 16, rsLoRA'
    ])
  })

  it('leave given names alone, and fall back to the whole name rather than be the same twice', () => {
    const own = { method: 'svd', name: 'svd-of-mine' }
    expect(labels([own, { method: 'svd', quantizer: { format: 'int8' } }])).toEqual(['svd-of-mine', 'svd-r16 · INT8'])
    const targets = [['q_proj'], ['k_proj']].map((names) => ({ method: 'svd', targets: names }))
    expect(new Set(labels(targets)).size).toBe(2)
  })
})
