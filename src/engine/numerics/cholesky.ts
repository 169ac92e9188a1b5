import { type Matrix64, zeros64 } from './matrix'

/**
 * The inverse of the Cholesky factor, T = R⁻¹ for A = RᵀR with R upper triangular, so that TᵀAT = I.
 *
 * @param A - symmetric [k, k]; only its lower triangle is read
 * @param smallestPivot - the least that is left of a diagonal entry, as a share of it
 * @returns T, upper triangular; undefined when a pivot is smaller, so that A is singular or close to it
 * Source: Golub & Van Loan, Matrix Computations, 4th ed., algorithm 4.2.1.
 */
export function inverseCholesky(A: Matrix64, smallestPivot: number): Matrix64 | undefined {
  const L = cholesky(A, smallestPivot)
  return L === undefined ? undefined : inverseTransposed(L, A.rows)
}

/** L with A = L Lᵀ, row-major with zeros above the diagonal. */
function cholesky({ data, rows: n }: Matrix64, smallestPivot: number): Float64Array | undefined {
  const L = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = data[i * n + j]
      for (let k = 0, a = i * n, b = j * n; k < j; k++, a++, b++) sum -= L[a] * L[b]
      if (i !== j) L[i * n + j] = sum / L[j * n + j]
      else if (sum > smallestPivot * data[i * n + i]) L[i * n + i] = Math.sqrt(sum)
      else return undefined
    }
  }
  return L
}

/** L⁻ᵀ, upper triangular: row j of it is column j of L⁻¹, by forward substitution. */
function inverseTransposed(L: Float64Array, n: number): Matrix64 {
  const T = zeros64(n, n)
  for (let j = 0; j < n; j++) {
    const row = j * n
    T.data[row + j] = 1 / L[row + j]
    for (let i = j + 1; i < n; i++) {
      let sum = 0
      for (let k = j; k < i; k++) sum += L[i * n + k] * T.data[row + k]
      T.data[row + i] = -sum / L[i * n + i]
    }
  }
  return T
}
