import { describe, expect, it } from 'vitest'
import { type RankChoice, rankBounds } from '../../../src/shared/rankBudget'
import { rankSentence, rankSettings } from '../../../src/shared/rankWords'
import { Recipe, variantNames } from '../../../src/shared/recipe'
import { variantKey } from '../../../src/shared/variantAxes'
import { variantLabels } from '../../../src/shared/variantLabels'

const variantsOf = (...variants: readonly object[]) =>
  Recipe.parse({ version: 1, model: '/m', calibration: { files: ['/t'] }, variants }).variants

const choice: RankChoice = {
  floor: 4,
  cap: 64,
  parameters: 287504,
  uniformParameters: 287744,
  heldOutRows: 16,
  heldOutTokens: 4080,
  quantized: 0.00816,
  uniform: 0.00305,
  budget: 0.00245,
  kept: 'budget'
}

describe('a rank budget', () => {
  it('goes from a quarter of the rank to four times as much, unless it says so', () => {
    expect(rankBounds(16, {})).toEqual({ floor: 4, cap: 64 })
    expect(rankBounds(2, {})).toEqual({ floor: 1, cap: 8 })
    expect(rankBounds(16, { floor: 8, cap: 20 })).toEqual({ floor: 8, cap: 20 })
  })

  it('is told in the name of a variant, with its bounds only where they differ', () => {
    const one = { method: 'exact', rankBudget: {} }
    expect(variantNames(variantsOf({ method: 'exact' }, one))).toEqual(['exact-r16', 'exact-r16-budget'])
    const narrow = { ...one, rankBudget: { floor: 8 } }
    expect(variantNames(variantsOf(one, narrow))).toEqual(['exact-r16-budget-4-64', 'exact-r16-budget-8-64'])
    expect(variantNames(variantsOf({ ...one, rank: 8 }, one))).toEqual(['exact-r8-budget', 'exact-r16-budget'])
    expect(variantNames(variantsOf({ ...one, refine: {} }))).toEqual(['exact-r16-budget-refined'])
  })

  it('tells variants apart, the usual bounds being those left out', () => {
    const [plain, usual, spelt, other] = variantsOf(
      { method: 'exact' },
      { method: 'exact', rankBudget: {} },
      { method: 'exact', rankBudget: { floor: 4, cap: 64 } },
      { method: 'exact', rankBudget: { cap: 32 } }
    ).map(variantKey)
    expect(usual).toBe(spelt)
    expect(new Set([plain, usual, other]).size).toBe(3)
  })

  it('keeps the short name where the quantizer is told apart', () => {
    const variants = variantsOf(
      { method: 'exact', rankBudget: {} },
      { method: 'exact', rankBudget: {}, quantizer: { format: 'int8' } }
    )
    const names = variantNames(variants)
    const quantizers = ['nf4-b64-dq', 'int8']
    const listed = names.map((name, i) => ({ name, method: 'exact', rank: 16, quantizer: quantizers[i] as string }))
    expect(variantLabels(listed)).toEqual(['exact-r16-budget · NF4', 'exact-r16-budget · INT8'])
  })
})

describe('the words of a rank budget', () => {
  it('say what was kept and what it was compared with', () => {
    expect(rankSentence(choice, 16)).toBe(
      'ranks of their own, within 4 to 64, were kept: held-out KL 0.00305 with rank 16 everywhere, 0.00245 with them (−20 %); without an adapter 0.00816'
    )
    expect(rankSentence({ ...choice, budget: 0.004, kept: 'uniform' }, 16)).toBe(
      'rank 16 everywhere was kept, ranks of their own were no better: held-out KL 0.00305 with rank 16 everywhere, 0.00400 with them (+31 %); without an adapter 0.00816'
    )
    // What linears were given, not what they might have been; earlier runs know the bounds alone.
    expect(rankSentence({ ...choice, least: 5, largest: 31 }, 16)).toMatch(/^ranks of their own, 5 to 31, were kept/)
    expect(rankSentence({ ...choice, budget: null, kept: 'uniform' }, 16)).toContain('not finite with them; without')
  })

  it('say of what', () => {
    expect(rankSettings(choice)).toBe('287,504 of 287,744 parameters; 16 rows (4,080 tokens) held out')
    expect(rankSettings({ ...choice, heldOutRows: 1, heldOutTokens: 63 })).toContain('; 1 row (63 tokens) held out')
  })
})
