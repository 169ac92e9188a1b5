import { heldOutRows } from '../../shared/refinement'
import type { PreparedRun } from '../prepare/preparedRun'
import { blockFlops } from './blockWork'

/** Multiplications and additions of what held-out rows are asked beside refinements: of either choice of ranks, of adapters. */
export function heldOutFlops(prepared: PreparedRun): number {
  const { calibration, architecture, recipe, variants } = prepared
  const questions = variants.reduce(
    (sum, { spec, accepted }) => sum + (spec.rankBudget ? 2 : 0) + (accepted ? 1 : 0),
    0
  )
  if (questions === 0) return 0
  const tokens = (questions + prepared.quantizers.size) * heldOutRows(calibration.rows) * recipe.context
  return tokens * (blockFlops(prepared) + 4 * architecture.vocabularySize * architecture.hiddenSize)
}
