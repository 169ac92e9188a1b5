import type { MethodName } from '../../shared/recipe'
import type { Matrix64 } from '../numerics/matrix'
import type { LayerProblem, Weighting } from './layerProblem'

export interface MethodOptions {
  readonly rank: number
  /** Alternations of `quailora`. */
  readonly iterations: number
}

/**
 * One way to initialize LoRA.
 *
 * Every method here is a choice of an orthonormal basis U [m, k], k ≤ rank, of corrections to the outputs: for a given
 * U the best correction is U UᵀE whatever the input's second moment (docs/numerics.md), so nothing is ever inverted.
 */
export interface Method {
  readonly name: MethodName
  readonly summary: string
  /** True when outputs stay as the quantized model has them, so that nothing needs to be evaluated again. */
  readonly neutral?: true
  /** What it needs to know of the input. */
  readonly statistics: Weighting
  basis(problem: LayerProblem, options: MethodOptions): Promise<Matrix64>
}
