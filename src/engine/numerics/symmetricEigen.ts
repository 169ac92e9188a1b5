import type { Matrix64 } from './matrix'
import { zeros64 } from './matrix'

/** Eigenvalues in descending order; eigenvector j is column j of `vectors`. */
export interface SymmetricEigen {
  readonly values: Float64Array
  readonly vectors: Matrix64
}

/**
 * All eigenpairs of a small symmetric matrix in float64: Householder tridiagonalization, then implicit QL.
 *
 *     A = V diag(λ) Vᵀ,  VᵀV = I,  λ₁ ≥ λ₂ ≥ …
 *
 * @param A - symmetric [k, k]; only its lower triangle is read
 * @returns λ [k] and V [k, k]; residual and departure from orthogonality are a few ε‖A‖ and ε, about 9k³ flops
 * Source: Golub & Van Loan, Matrix Computations, 4th ed., algorithms 8.3.1 and 8.3.3 (as in EISPACK tred2, tql2).
 */
export function symmetricEigen(A: Matrix64): SymmetricEigen {
  const n = A.rows
  const scale = powerOfTwoAbove(A)
  // Vt will hold eigenvectors as rows, so that every inner loop of the sweep runs over consecutive memory.
  const Vt = symmetricCopy(A, 1 / scale)
  const diagonal = new Float64Array(n)
  const offDiagonal = new Float64Array(n)
  tridiagonalize(Vt, n, diagonal, offDiagonal)
  implicitQL(Vt, n, diagonal, offDiagonal)
  for (let i = 0; i < n; i++) diagonal[i] *= scale
  return descending(Vt, n, diagonal)
}

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

/** Reduces the matrix in z to tridiagonal form (d, e) and leaves the orthogonal transformation's transpose in z. */
function tridiagonalize(z: Float64Array, n: number, d: Float64Array, e: Float64Array): void {
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
  accumulateReflectors(z, n, betas, v)
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

/** Multiplies the reflectors kept in the rows of z, smallest first, into the transpose of the transformation. */
function accumulateReflectors(z: Float64Array, n: number, betas: Float64Array, v: Float64Array): void {
  const sums = new Float64Array(n)
  for (let k = 0; k < n; k++) {
    const beta = betas[k]
    if (beta !== 0) {
      for (let j = 0; j < k; j++) v[j] = z[k * n + j]
      // The leading corner so far is Qᵀ; Qᵀ ← Qᵀ (I − βvvᵀ).
      for (let i = 0; i < k; i++) {
        let sum = 0
        for (let j = 0, at = i * n; j < k; j++, at++) sum += z[at] * v[j]
        sums[i] = beta * sum
      }
      for (let i = 0; i < k; i++) {
        const si = sums[i]
        for (let j = 0, at = i * n; j < k; j++, at++) z[at] -= si * v[j]
      }
    }
    for (let j = 0; j < k; j++) z[k * n + j] = z[j * n + k] = 0
    z[k * n + k] = 1
  }
}

const MAX_SWEEPS = 60

/** Diagonalizes the tridiagonal (d, e) by implicitly shifted QL and applies every rotation to the rows of z. */
function implicitQL(z: Float64Array, n: number, d: Float64Array, e: Float64Array): void {
  for (let i = 1; i < n; i++) e[i - 1] = e[i]
  if (n > 0) e[n - 1] = 0
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
      const m = firstNegligible(l, n, d, e)
      if (m === l) break
      sweepQL(z, n, d, e, l, m)
    }
  }
}

function firstNegligible(l: number, n: number, d: Float64Array, e: Float64Array): number {
  for (let m = l; m < n - 1; m++) {
    if (Math.abs(e[m]) <= Number.EPSILON * (Math.abs(d[m]) + Math.abs(d[m + 1]))) return m
  }
  return n - 1
}

function sweepQL(z: Float64Array, n: number, d: Float64Array, e: Float64Array, l: number, m: number): void {
  let g = (d[l + 1] - d[l]) / (2 * e[l])
  const root = Math.hypot(g, 1)
  g = d[m] - d[l] + e[l] / (g + (g >= 0 ? root : -root))
  let s = 1
  let c = 1
  let p = 0
  for (let i = m - 1; i >= l; i--) {
    const f = s * e[i]
    const b = c * e[i]
    const r = Math.hypot(f, g)
    e[i + 1] = r
    if (r === 0) {
      d[i + 1] -= p
      e[m] = 0
      return
    }
    s = f / r
    c = g / r
    g = d[i + 1] - p
    const t = (d[i] - g) * s + 2 * c * b
    p = s * t
    d[i + 1] = g + p
    g = c * t - b
    rotateRows(z, n, i, s, c)
  }
  d[l] -= p
  e[l] = g
  e[m] = 0
}

function rotateRows(z: Float64Array, n: number, i: number, s: number, c: number): void {
  for (let a = i * n, b = a + n, end = b; a < end; a++, b++) {
    const upper = z[a]
    const lower = z[b]
    z[b] = s * upper + c * lower
    z[a] = c * upper - s * lower
  }
}

function descending(Vt: Float64Array, n: number, d: Float64Array): SymmetricEigen {
  const order = Array.from(d.keys()).sort((a, b) => d[b] - d[a])
  const vectors = zeros64(n, n)
  for (let j = 0; j < n; j++) {
    const row = order[j] * n
    for (let i = 0; i < n; i++) vectors.data[i * n + j] = Vt[row + i]
  }
  return { values: Float64Array.from(order, (index) => d[index]), vectors }
}
