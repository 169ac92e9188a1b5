import type { PreparedRun } from '../prepare/preparedRun'

interface Attending extends Pick<PreparedRun, 'architecture' | 'parts'> {
  readonly recipe: Pick<PreparedRun['recipe'], 'context'>
}

/**
 * Multiplications and additions of attention for one token in all blocks: scores and sums over half of a row, as no token sees
 * those behind it. Blocks without attention, such as those of a linear one or of a convolution, add none.
 */
export function attentionFlops({ architecture, parts, recipe }: Attending): number {
  const attending = Array.from({ length: architecture.blocks }, (_, block) => parts.attentionHeads(block)).filter(
    (heads) => heads > 0
  )
  return 4 * attending.length * architecture.hiddenSize * (recipe.context / 2)
}
