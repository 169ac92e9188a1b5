import type { LinearAlgebra } from '../graph/linearAlgebra'
import type { Matrix64 } from '../numerics/matrix'
import { normalizedColumns, scaleColumns, sliceColumns, subtract } from '../numerics/matrix'
import { symmetricEigen } from '../numerics/symmetricEigen'

/**
 * Directions of the Gram matrix below this share of the largest are rounding noise of float64: its eigenvalues carry an
 * absolute error of about ε = 2e-16 times the largest.
 */
const NOISE = 1e-14

/** A column of length one of which no more is left outside of a basis lies in it: the rest is rounding. */
const REMAINDER = 1e-13

/** Two rounds: the first may lose orthogonality to ε / NOISE, the second restores it to ε (twice is enough). */
const ROUNDS = 2

/**
 * Orthonormal basis of what the columns of Y span outside of span(V), in float64.
 *
 *     V ᵀU = 0,  UᵀU = I,  span([V U]) = span([V Y])
 *
 * Dependent and zero columns are dropped, so the result may be narrower than Y, and empty. Only products and one
 * eigen-decomposition of the [k, k] Gram matrix are used: nothing is inverted that could be singular.
 *
 * @param Y - [m, k]
 * @param V - orthonormal [m, j], optional
 */
export async function orthonormalize(algebra: LinearAlgebra, Y: Matrix64, V?: Matrix64): Promise<Matrix64> {
  let U = normalizedColumns(Y)
  for (let round = 0; round < ROUNDS && U.cols > 0; round++) {
    if (V !== undefined && V.cols > 0) U = normalizedColumns(await projectOut(algebra, U, V), REMAINDER)
    const gram = await algebra.gemm64(U, U, { transA: true })
    const { values, vectors } = symmetricEigen(gram)
    const largest = values[0] ?? 0
    const kept = values.findIndex((value) => !(value > NOISE * largest))
    const count = kept < 0 ? values.length : kept
    const basis = scaleColumns(
      sliceColumns(vectors, 0, count),
      values.subarray(0, count).map((value) => 1 / Math.sqrt(value))
    )
    U = await algebra.gemm64(U, basis)
  }
  return U
}

/** Y − V (Vᵀ Y). */
async function projectOut(algebra: LinearAlgebra, Y: Matrix64, V: Matrix64): Promise<Matrix64> {
  return subtract(Y, await algebra.gemm64(V, await algebra.gemm64(V, Y, { transA: true })))
}
