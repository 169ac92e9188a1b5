import { describe, expect, it } from 'vitest'
import { Variant, variantNames } from '../../../src/shared/recipe'
import { type Chip, chipKey, chipsOn, distinctVariants, toggleChip } from '../../../src/shared/variantAxes'

const variant = (changes: Partial<Record<keyof Variant, unknown>> = {}): Variant =>
  Variant.parse({ method: 'quailora', ...changes })
const names = (variants: readonly Variant[]): string[] => variantNames(variants)
const rank = (value: number): Chip => ({ axis: 'rank', rank: value })

describe('a grid of variants', () => {
  it('grows by every combination of the other axes', () => {
    const two = toggleChip([variant()], { axis: 'method', method: 'svd' })
    expect(names(two)).toEqual(['svd-r16', 'quailora-r16'])
    expect(names(toggleChip(two, rank(8)))).toEqual(['svd-r8', 'svd-r16', 'quailora-r8', 'quailora-r16'])
  })

  it('loses the variants of a value, and comes back as it was', () => {
    const two = toggleChip([variant()], rank(8))
    expect(toggleChip(two, rank(8))).toEqual([variant()])
    expect(toggleChip(two, rank(16))).toEqual([variant({ rank: 8 })])
  })

  it('is empty when the last value goes, which callers refuse', () => {
    expect(toggleChip([variant()], rank(16))).toEqual([])
  })

  it('takes a recipe that is no full grid as it is', () => {
    const list = [variant({ rank: 8 }), variant({ method: 'svd', rank: 16 })]
    const more = toggleChip(list, rank(32))
    expect(names(more)).toEqual(['svd-r16', 'svd-r32', 'quailora-r8', 'quailora-r32'])
  })

  it('gives new variants no name of another', () => {
    const [, added] = toggleChip([variant({ name: 'mine' })], rank(32))
    expect(added?.name).toBeUndefined()
  })

  it('knows its values, each once', () => {
    const variants = toggleChip([variant()], { axis: 'scaling', alpha: 32, rslora: true })
    expect(chipsOn(variants, 'scaling').map(chipKey)).toEqual(['scaling:16', 'scaling:32-rslora'])
    expect(chipsOn(variants, 'quantizer').map(chipKey)).toEqual(['quantizer:nf4-b64-dq'])
  })
})

describe('a format beside another', () => {
  it('is in the names of its variants', () => {
    const quantizer = { format: 'fp4', blockSize: 64, doubleQuantization: true } as const
    const two = toggleChip([variant()], { axis: 'quantizer', quantizer })
    expect(names(two).sort()).toEqual(['quailora-r16-a16-fp4-b64-dq', 'quailora-r16-a16-nf4-b64-dq'])
    const three = toggleChip(two, { axis: 'quantizer', quantizer: { ...quantizer, format: 'int8' } })
    expect(names(three)).toContain('quailora-r16-a16-int8')
  })
})

describe('equal variants', () => {
  it('differ in the name alone, or in iterations that their method does not make', () => {
    const svd = variant({ method: 'svd' })
    expect(distinctVariants([svd, { ...svd, name: 'b' }, { ...svd, iterations: 3 }])).toEqual([svd])
    expect(distinctVariants([variant(), variant({ iterations: 3 })])).toHaveLength(2)
    const ab = variant({ targets: ['a', 'b'] })
    expect(distinctVariants([ab, variant({ targets: ['b', 'a'] }), variant({ targets: ['a'] })])).toHaveLength(2)
  })
})
