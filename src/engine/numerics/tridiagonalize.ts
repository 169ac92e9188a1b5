import type { Matrix64 } from './matrix'

/** A scale that brings the largest entry near one, so that no square underflows or overflows; it costs no digit. */
function powerOfTwoAbove({ data, rows: n }: Matrix64): number {
  let largest = 0
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) largest = Math.max(largest, Math.abs(data[i * n + j]))
  return largest > 0 ? 2 ** Math.max(-1000, Math.min(1000, Math.ceil(Math.log2(largest)))) : 1
}

/** The lower triangle times a factor, mirrored. */
function symmetricCopy(A: Matrix64, factor: number): Float64Array {
  const n = A.rows
  const copy = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) copy[i * n + j] = copy[j * n + i] = A.data[i * n + j] * factor
  }
  return copy
}

/**
 * A sum of squares below this counts as zero in a matrix whose largest entry is about one: the rounding of rounding that
 * reducing a matrix of low rank leaves, whose reciprocal would overflow.
 */
const NEGLIGIBLE = 1e-290

/** A = scale · Z T Zᵀ with T tridiagonal and Z a product of reflectors, in the order of their rows from the last to the first. */
export interface Tridiagonal {
  readonly scale: number
  readonly size: number
  readonly diagonal: Float64Array
  /** Entry k stands between k − 1 and k; the first is unused. */
  readonly offDiagonal: Float64Array
  /** Row k holds the vector v of the reflector I − βvvᵀ on indices 0 … k − 1, β = betas[k], 0 where there is none. */
  readonly reflectors: Float64Array
  readonly betas: Float64Array
}

/**
 * Householder reduction of a symmetric matrix to tridiagonal form, about 4k³/3 operations.
 *
 * @param A - symmetric [k, k]; only its lower triangle is read
 * Source: Golub & Van Loan, Matrix Computations, 4th ed., algorithm 8.3.1 (as in EISPACK tred2).
 */
export function tridiagonalize(A: Matrix64): Tridiagonal {
  const n = A.rows
  const scale = powerOfTwoAbove(A)
  const z = symmetricCopy(A, 1 / scale)
  const d = new Float64Array(n)
  const e = new Float64Array(n)
  const v = new Float64Array(n)
  const p = new Float64Array(n)
  const betas = new Float64Array(n)
  for (let k = n - 1; k >= 2; k--) {
    // Eliminate row k left of its sub-diagonal with a reflector on indices 0..k-1; it is kept in that row.
    const row = k * n
    const last = z[row + k - 1]
    let tail = 0
    for (let j = 0; j < k - 1; j++) tail += z[row + j] * z[row + j]
    if (tail < NEGLIGIBLE) continue
    const norm = Math.sqrt(tail + last * last)
    const alpha = last > 0 ? -norm : norm
    const head = last - alpha
    const beta = 2 / (tail + head * head)
    for (let j = 0; j < k - 1; j++) v[j] = z[row + j]
    v[k - 1] = head
    reflectBothSides(z, n, k, v, beta, p)
    for (let j = 0; j < k; j++) z[row + j] = v[j]
    betas[k] = beta
    e[k] = alpha
  }
  for (let k = 1; k < n; k++) if (betas[k] === 0) e[k] = z[k * n + k - 1]
  for (let k = 0; k < n; k++) d[k] = z[k * n + k]
  return { scale, size: n, diagonal: d, offDiagonal: e, reflectors: z, betas }
}

/** A ← (I − βvvᵀ) A (I − βvvᵀ) on the lower triangle of the leading k × k corner. */
function reflectBothSides(z: Float64Array, n: number, k: number, v: Float64Array, beta: number, p: Float64Array): void {
  p.fill(0, 0, k)
  for (let i = 0; i < k; i++) {
    const vi = v[i]
    let sum = 0
    let at = i * n
    for (let j = 0; j < i; j++, at++) {
      sum += z[at] * v[j]
      p[j] += z[at] * vi
    }
    p[i] += sum + z[at] * vi
  }
  let dot = 0
  for (let i = 0; i < k; i++) {
    p[i] *= beta
    dot += p[i] * v[i]
  }
  const half = (beta * dot) / 2
  for (let i = 0; i < k; i++) p[i] -= half * v[i]
  for (let i = 0; i < k; i++) {
    const vi = v[i]
    const pi = p[i]
    for (let j = 0, at = i * n; j <= i; j++, at++) z[at] -= vi * p[j] + pi * v[j]
  }
}
