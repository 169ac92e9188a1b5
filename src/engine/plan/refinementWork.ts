import { heldOutRows } from '../../shared/refinement'
import { stateSize } from '../models/architecture'
import { batchRows } from '../models/batchRows'
import { headBytes } from '../models/headRunner'
import type { PreparedLinear } from '../models/modelLinears'
import { isDecidedLate, type PreparedRun } from '../prepare/preparedRun'
import { expertGradientBytes } from './expertWork'

/** Features of a head of attention; few models have less. */
const HEAD_WIDTH = 64

/**
 * What a refinement works with beside what it keeps (refinementNeeds.ts), bytes: Q of the largest block and as much for what
 * the runtime makes of it, inputs and outputs of its linears with their gradients for the rows of a batch, all attention
 * weights of these with theirs, states of the held-out rows, a tile of the head.
 */
export function refinementWorkBytes(prepared: PreparedRun): number {
  const { variants, recipe, calibration, architecture } = prepared
  // Ranks and adapters are asked about with the held-out rows alone.
  const batches = variants.flatMap((variant) => variant.spec.refine?.batch ?? (isDecidedLate(variant) ? [1] : []))
  if (batches.length === 0) return 0
  const heldOut = heldOutRows(calibration.rows)
  const together = Math.min(batchRows(recipe.context), Math.max(heldOut, ...batches))
  const tokens = together * recipe.context
  const states = 4 * heldOut * recipe.context * stateSize(architecture)
  return backwardBytes(prepared, tokens) + states + headBytes(architecture, tokens) + expertGradientBytes(prepared)
}

/**
 * What the gradient of the largest block takes, bytes: weights and as much for what the runtime makes of them, inputs and
 * outputs of the linears with their gradients, what other mixers keep, attention weights with theirs.
 *
 * @param beside - bytes that a linear takes beside
 */
export function backwardBytes(
  { linears, architecture, recipe, parts }: PreparedRun,
  tokens: number,
  beside: (linear: PreparedLinear) => number = () => 0
): number {
  const ofBlocks = Array.from({ length: architecture.blocks }, (_, block) => {
    const kept = parts.remembered(block).reduce((sum, values) => sum + 4 * tokens * values, 0)
    return linears
      .filter((linear) => linear.block === block)
      .reduce((sum, linear) => {
        const { inFeatures: n, outFeatures: m } = linear
        return sum + 8 * m * n + 8 * tokens * (m + n) + beside(linear)
      }, kept)
  })
  return Math.max(...ofBlocks) + 8 * tokens * recipe.context * Math.ceil(architecture.hiddenSize / HEAD_WIDTH)
}
