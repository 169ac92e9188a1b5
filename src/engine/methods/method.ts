import type { MethodFacts, MethodName, MethodOptionValues } from '../../shared/methods'
import type { Matrix64 } from '../numerics/matrix'
import type { LayerProblem } from './layerProblem'

/**
 * Every method here is a choice of an orthonormal basis U [m, k], k ≤ rank, of corrections to the outputs: for a given
 * U the best correction is U UᵀE whatever the input's second moment (decision 0003), so nothing is ever inverted. A method
 * that declares `curvature` is given the problem with its outputs weighed, G^½E in the place of E (solveMethod.ts).
 */
export type Basis = (
  problem: LayerProblem,
  options: MethodOptionValues & { readonly rank: number }
) => Promise<Matrix64>

/** One way to initialize LoRA: what is declared of it, and its algorithm. */
export interface Method extends MethodFacts {
  readonly name: MethodName
  readonly basis: Basis
}
