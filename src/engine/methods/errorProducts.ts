import type { Weighting } from '../../shared/methods'
import type { Matrix32 } from '../numerics/matrix'

/** Products in float32 with the error E [m, n] of a linear and the second moment H [n, n] of its input. */
export interface ErrorProducts {
  /** E Y [m, k], for Y [n, k]. */
  times(Y: Matrix32): Promise<Matrix32>
  /** EᵀY [n, k], for Y [m, k]. */
  transposedTimes(Y: Matrix32): Promise<Matrix32>
  /** E K EᵀY, for Y [m, k], with K = I, diag(H) or H. */
  amongOutputs(weighting: Weighting, Y: Matrix32): Promise<Matrix32>
  /** D EᵀE D Y, for Y [n, k] and a diagonal D = diag(roots), or I. */
  amongInputs(roots: Float64Array | undefined, Y: Matrix32): Promise<Matrix32>
  /** tr(E H Eᵀ), to seven digits. */
  energy(): Promise<number>
}
