import type { LinearAlgebra } from '../graph/linearAlgebra'
import { inverseCholesky } from '../numerics/cholesky'
import type { Matrix64 } from '../numerics/matrix'
import { largestEntry, normalizedColumns, scaleColumns, sliceColumns, subtract } from '../numerics/matrix'
import { symmetricEigen } from '../numerics/symmetricEigen'

/**
 * Directions of the Gram matrix below this share of the largest are rounding noise of float64: its eigenvalues carry an
 * absolute error of about ε = 2e-16 times the largest.
 */
const NOISE = 1e-14

/** A column of length one of which no more is left outside of a basis lies in it: the rest is rounding. */
const REMAINDER = 1e-13

/** A Cholesky factor with no pivot below this share keeps twelve digits; below it the eigen-decomposition takes over. */
const SMALLEST_PIVOT = 1e-4

/** A round that finds no more than this to correct leaves nothing but ε: the last one. */
const SETTLED = 1e-9

/** Columns that overlap with a basis by no more than this are outside of it, as far as float64 goes. */
const OUTSIDE = 1e-13
/** What a projection leaves of an overlap, unless it was so large that most of a column was taken away. */
const PROJECTED = 1e-15
const LARGE_OVERLAP = 1e-3

/** Two rounds settle an ordinary block; one that was all but dependent, or lay all but in span(V), takes a few more. */
const MAX_ROUNDS = 6

/**
 * Orthonormal basis of what the columns of Y span outside of span(V), in float64.
 *
 *     V ᵀU = 0,  UᵀU = I,  span([V U]) = span([V Y])
 *
 * Dependent and zero columns are dropped, so the result may be narrower than Y, and empty. Rounds of projection and of
 * Cholesky QR repeat until there is nothing left to correct; a Gram matrix that is nearly singular is decomposed instead, so
 * nothing is inverted that could be singular.
 *
 * @param Y - [m, k]
 * @param Vt - the transpose of an orthonormal V [m, j], optional
 * Source: Yamamoto et al., Roundoff error analysis of the CholeskyQR2 algorithm (2015).
 */
export async function orthonormalize(algebra: LinearAlgebra, Y: Matrix64, Vt?: Matrix64): Promise<Matrix64> {
  let U = normalizedColumns(Y)
  // The largest entry of VᵀU, as far as it is known: what is known to be small is not measured again.
  let overlap = Vt === undefined || Vt.rows === 0 ? 0 : Number.POSITIVE_INFINITY
  for (let round = 0; round < MAX_ROUNDS && U.cols > 0; round++) {
    let found = 0
    if (Vt !== undefined && overlap > OUTSIDE) {
      const { outside, before } = await projected(algebra, U, Vt)
      U = outside
      found = before
      overlap = before <= OUTSIDE ? before : before <= LARGE_OVERLAP ? PROJECTED : Number.POSITIVE_INFINITY
    }
    const gram = await algebra.gemm64(U, U, { transA: true })
    found = Math.max(found, departureFromIdentity(gram))
    const T = whitening(gram)
    U = await algebra.gemm64(U, T)
    overlap *= Math.sqrt(T.rows) * largestEntry(T)
    if (found <= SETTLED) break
  }
  return U
}

/** The columns of U without their shares in span(V), each of length one again; and the largest of those shares. */
async function projected(
  algebra: LinearAlgebra,
  U: Matrix64,
  Vt: Matrix64
): Promise<{ outside: Matrix64; before: number }> {
  const overlap = await algebra.gemm64(Vt, U)
  const before = largestEntry(overlap)
  if (before <= OUTSIDE) return { outside: U, before }
  const rest = subtract(U, await algebra.gemm64(Vt, overlap, { transA: true }))
  return { outside: normalizedColumns(rest, REMAINDER), before }
}

/**
 * One round of the above: what Y spans, orthonormal only as far as Y was not nearly dependent. Enough between the steps of an
 * iteration that repeats it.
 */
export async function conditioned(algebra: LinearAlgebra, Y: Matrix64): Promise<Matrix64> {
  const U = normalizedColumns(Y)
  return algebra.gemm64(U, whitening(await algebra.gemm64(U, U, { transA: true })))
}

/** T with TᵀGT = I for a Gram matrix with a diagonal of ones; narrower where G is singular up to rounding. */
function whitening(gram: Matrix64): Matrix64 {
  const inverse = inverseCholesky(gram, SMALLEST_PIVOT)
  if (inverse !== undefined) return inverse
  const { values, vectors } = symmetricEigen(gram)
  const largest = values[0] ?? 0
  const kept = values.findIndex((value) => !(value > NOISE * largest))
  const count = kept < 0 ? values.length : kept
  const scales = values.subarray(0, count).map((value) => 1 / Math.sqrt(value))
  return scaleColumns(sliceColumns(vectors, 0, count), scales)
}

function departureFromIdentity({ data, rows }: Matrix64): number {
  let largest = 0
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < rows; j++, at++) largest = Math.max(largest, Math.abs((data[at] as number) - (i === j ? 1 : 0)))
  }
  return largest
}
