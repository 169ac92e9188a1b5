import type { PreparedRun } from '../prepare/preparedRun'

interface Attending extends Pick<PreparedRun, 'architecture' | 'parts'> {
  readonly recipe: Pick<PreparedRun['recipe'], 'context'>
}

/**
 * Multiplications and additions of attention for one token in all blocks: scores and sums over half of a row, as no token sees
 * those behind it; twice where it leads to experts that the block goes on with. Blocks without attention, such as those of a linear one or of a convolution, add none.
 */
export function attentionFlops({ architecture, parts, recipe }: Attending): number {
  const times = Array.from({ length: architecture.blocks }, (_, block) => {
    if (parts.attentionHeads(block) === 0) return 0
    return parts.leading(block).length > 0 ? 2 : 1
  })
  const attentions = times.reduce<number>((sum, count) => sum + count, 0)
  return 4 * attentions * architecture.hiddenSize * (recipe.context / 2)
}
