import type { PreparedRun } from '../prepare/preparedRun'

type Model = Pick<PreparedRun, 'architecture' | 'parts'>

/** Bytes of the distinct inputs of linears for so many tokens, in the block where those are the most. */
export const inputBytes = ({ architecture, parts }: Model, tokens: number): number[] =>
  widest(architecture.blocks, tokens, (block) => parts.inputs(block))

/** Bytes of what a mixer without attention works with beside them, in the block where that is the most. */
export const scratchBytes = ({ architecture, parts }: Model, tokens: number): number[] =>
  widest(architecture.blocks, tokens, (block) => parts.scratch(block))

/** Of values of each token, in pieces, those of the block with the most of them, as float32. */
function widest(blocks: number, tokens: number, values: (block: number) => readonly number[]): number[] {
  const sum = (pieces: readonly number[]) => pieces.reduce((total, piece) => total + piece, 0)
  const each = Array.from({ length: blocks }, (_, block) => values(block))
  return each.reduce((most, block) => (sum(block) > sum(most) ? block : most), []).map((n) => 4 * tokens * n)
}
