import { z } from 'zod'
import { divergenceText } from './refinementWords'

/*
 * Acceptance: whether an adapter brings the whole model nearer to full precision than no adapter does, on held-out rows of the
 * calibration set. Where all of it does not, groups of blocks are asked one after the other, and those that do not help are
 * left without a correction. So what is kept is never worse on these rows.
 */

/** Into so many groups of neighbouring blocks the model is parted. */
const GROUPS = 4

/** Blocks [first, end). */
export interface BlockGroup {
  readonly first: number
  readonly end: number
}

/** The groups of a model of so many blocks; as many as blocks where these are few. */
export function blockGroups(blocks: number): BlockGroup[] {
  const count = Math.min(GROUPS, blocks)
  const bound = (i: number): number => Math.round((i * blocks) / count)
  return Array.from({ length: count }, (_, i) => ({ first: bound(i), end: bound(i + 1) }))
}

/** What became of an acceptance. */
export const AcceptanceResult = z.object({
  blocks: z.int().describe('of the model'),
  heldOutRows: z.int(),
  heldOutTokens: z.int().describe('predicted tokens of the held-out rows'),
  quantized: z.number().describe('divergence on the held-out rows without an adapter'),
  whole: z.number().nullable().describe('the same with all of the adapter; null where it is not finite'),
  groups: z
    .array(z.object({ first: z.int(), end: z.int(), divergence: z.number().nullable(), kept: z.boolean() }))
    .describe(
      'blocks [first, end) that were added to those kept before, with the divergence; none where the whole was kept'
    ),
  kept: z.enum(['whole', 'groups', 'zero'])
})
export type AcceptanceResult = z.infer<typeof AcceptanceResult>

/** Whether the correction of a block was kept. */
export const isKept = ({ kept, groups }: Pick<AcceptanceResult, 'kept' | 'groups'>, block: number): boolean =>
  kept === 'whole' || groups.some((group) => group.kept && block >= group.first && block < group.end)

/** The divergence on the held-out rows of what was kept. */
export const acceptedDivergence = ({ kept, quantized, whole, groups }: AcceptanceResult): number =>
  kept === 'whole' ? (whole ?? quantized) : (groups.findLast((group) => group.kept)?.divergence ?? quantized)

/** Without its variant's name, in the words of the command line, the window, reports and model cards. */
export function acceptanceSentence(result: AcceptanceResult): string {
  const { kept, whole, quantized, blocks, groups } = result
  const all = `held-out KL ${divergenceText(whole)} with all of it, ${divergenceText(quantized)} without an adapter`
  if (kept === 'whole') return `kept whole: ${all}`
  if (kept === 'zero') return `no part of it helps, lora_B is 0 everywhere: ${all}`
  const places = groups.flatMap(({ first, end, kept: own }) => (own ? [range(first, end)] : []))
  const count = groups.reduce((sum, { first, end, kept: own }) => sum + (own ? end - first : 0), 0)
  return `kept in ${count === 1 ? 'block' : 'blocks'} ${places.join(', ')} of ${blocks} alone, lora_B is 0 in the others: ${all}, ${divergenceText(acceptedDivergence(result))} as kept`
}

const range = (first: number, end: number): string => (end - first === 1 ? `${end}` : `${first + 1}–${end}`)
