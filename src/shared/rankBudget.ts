import { z } from 'zod'

/*
 * Ranks where they pay: each linear has a rank of its own, as many parameters in all as the variant's rank gives everywhere.
 * The variant's rank is the mean that is meant; the ranks are chosen once every layer was seen. Held-out rows of the
 * calibration set decide whether they are kept, or the same rank everywhere.
 */

/** Behind the name of a variant that nobody named. */
export const BUDGET_SUFFIX = '-budget'

/** How far ranks go from the mean where nobody says: a quarter of it, and four times as much. */
const SPREAD = 4

export const RankBudget = z.strictObject({
  floor: z.int().min(1).optional().describe('least rank of a linear; default: a quarter of the rank'),
  cap: z.int().min(1).optional().describe('largest rank of a linear; default: four times the rank')
})
export type RankBudget = z.infer<typeof RankBudget>

/** The least and the largest rank. */
export const rankBounds = (
  rank: number,
  { floor, cap }: RankBudget
): { readonly floor: number; readonly cap: number } => ({
  floor: floor ?? Math.max(1, Math.floor(rank / SPREAD)),
  cap: cap ?? SPREAD * rank
})

/** `4-64` for the bounds: what tells two budgets of one rank apart. */
export const rankBudgetKey = (rank: number, budget: RankBudget): string => {
  const { floor, cap } = rankBounds(rank, budget)
  return `${floor}-${cap}`
}

/** How ranks of their own fared against one rank everywhere, on the held-out rows of the calibration set. */
export const RankChoice = z.object({
  floor: z.int(),
  cap: z.int(),
  least: z.int().optional().describe('least rank that a linear was given; missing of runs that did not write it down'),
  largest: z.int().optional().describe('largest rank that a linear was given'),
  parameters: z.int().describe('of the factors with ranks of their own; never more than with one rank'),
  uniformParameters: z.int().describe('of the factors with one rank everywhere'),
  heldOutRows: z.int(),
  heldOutTokens: z.int().describe('predicted tokens of the held-out rows'),
  quantized: z.number().describe('divergence on the held-out rows without an adapter'),
  uniform: z.number().nullable().describe('the same with one rank everywhere; null where it is not finite'),
  budget: z.number().nullable().describe('the same with ranks of their own'),
  kept: z.enum(['budget', 'uniform']).describe('that with the least divergence; one rank where both are equal')
})
export type RankChoice = z.infer<typeof RankChoice>
