import { heldOutRows } from '../../shared/refinement'
import { headBytes } from '../models/headRunner'
import type { PreparedRun } from '../prepare/preparedRun'
import { batchRows } from '../prepare/streamShapes'

/** Features of a head of attention; few models have less. */
const HEAD_WIDTH = 64

/**
 * What a refinement works with beside what it keeps (refinementNeeds.ts), bytes: Q of the largest block and as much for what
 * the runtime makes of it, inputs and outputs of its linears with their gradients for the rows of a batch, all attention
 * weights of these with theirs, states of the held-out rows, a tile of the head.
 */
export function refinementWorkBytes({ variants, recipe, calibration, linears, architecture }: PreparedRun): number {
  const batches = variants.flatMap(({ spec: { refine } }) => (refine === undefined ? [] : [refine.batch]))
  if (batches.length === 0) return 0
  const { hiddenSize, blocks } = architecture
  const heldOut = heldOutRows(calibration.rows)
  const together = Math.min(batchRows(recipe.context), Math.max(heldOut, ...batches))
  const tokens = together * recipe.context
  const ofBlocks = Array.from({ length: blocks }, (_, block) => {
    const own = linears.filter((linear) => linear.block === block)
    const weights = own.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0)
    const features = own.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures + outFeatures, 0)
    return 8 * weights + 8 * tokens * features
  })
  const attention = 8 * tokens * recipe.context * Math.ceil(hiddenSize / HEAD_WIDTH)
  const states = 4 * heldOut * recipe.context * hiddenSize
  return Math.max(...ofBlocks) + attention + states + headBytes(architecture, tokens)
}
