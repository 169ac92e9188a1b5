import { AppError } from '../../shared/errors'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import { CURVATURE_RANK, OutputCurvature } from '../methods/outputCurvature'
import { topEigenpairs } from '../methods/topEigenpairs'
import { diagonalOf, firstNonFinite, type Matrix64, sliceColumns, toFloat32 } from '../numerics/matrix'
import { seededRandom } from '../numerics/random'

/** What their sum may lack: directions that are told apart no better than this matter alike. */
const TOLERANCE = 1e-2
/** Share of the mean eigenvalue that every direction has at least: few tokens say little of the small ones. */
const DAMPING = 1e-2

/**
 * The leading eigenpairs of G, and for all other directions the mean of what is left; with a hundredth of the mean eigenvalue
 * added to each. A linear whose outputs nothing depends on has all directions alike.
 *
 * @param G - symmetric, positive semidefinite [out, out], float64
 * @throws {AppError} NUMERICS naming the linear where a value is not finite
 */
export async function reduceCurvature(
  algebra: LinearAlgebra,
  G: Matrix64,
  { seed, name }: { readonly seed: number; readonly name: string }
): Promise<OutputCurvature> {
  const trace = diagonalOf(G).reduce((sum, value) => sum + value, 0)
  const size = G.rows
  if (firstNonFinite(G.data) >= 0)
    throw new AppError('NUMERICS', `${name}: gradients at its outputs are not finite, which they must be to weigh them`)
  if (!(trace > 0))
    return new OutputCurvature({ data: new Float32Array(0), rows: size, cols: 0 }, new Float64Array(0), 1)
  const operator = { size, apply: (Y: Matrix64) => algebra.gemm64(G, Y) }
  const options = { count: Math.min(CURVATURE_RANK, size), tolerance: TOLERANCE, random: seededRandom('G', seed, name) }
  const { values, vectors } = await topEigenpairs(algebra, operator, options)
  const kept = Math.min(options.count, values.filter((value) => value > 0).length)
  const leading = values.slice(0, kept)
  const damping = (DAMPING * trace) / size
  const rest = trace - leading.reduce((sum, value) => sum + value, 0)
  const floor = damping + (kept < size ? Math.max(0, rest) / (size - kept) : 0)
  return new OutputCurvature(
    toFloat32(sliceColumns(vectors, 0, kept)),
    leading.map((value) => Math.max(value + damping, floor)),
    floor
  )
}
