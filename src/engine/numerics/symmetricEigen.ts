import type { Matrix64 } from './matrix'
import { zeros64 } from './matrix'
import { tridiagonalize } from './tridiagonalize'

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
  const { scale, size: n, diagonal, offDiagonal, reflectors, betas } = tridiagonalize(A)
  // Its rows become eigenvectors, so that every inner loop of the sweep runs over consecutive memory.
  accumulateReflectors(reflectors, n, betas)
  implicitQL(reflectors, n, n, diagonal, offDiagonal)
  for (let i = 0; i < n; i++) diagonal[i] *= scale
  return descending(reflectors, n, diagonal)
}

/** Multiplies the reflectors kept in the rows of z, smallest first, into the transpose of the transformation. */
function accumulateReflectors(z: Float64Array, n: number, betas: Float64Array): void {
  const v = new Float64Array(n)
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

/** The eigenvalues of a symmetric tridiagonal matrix, in descending order; about 30k² operations. */
export function tridiagonalEigenvalues(diagonal: Float64Array, offDiagonal: Float64Array): Float64Array {
  const values = diagonal.slice()
  implicitQL(new Float64Array(0), 0, values.length, values, offDiagonal.slice())
  return values.sort().reverse()
}

/** Diagonalizes the tridiagonal (d, e) by implicitly shifted QL and applies every rotation to the rows of z [n, width]. */
function implicitQL(z: Float64Array, width: number, n: number, d: Float64Array, e: Float64Array): void {
  for (let i = 1; i < n; i++) e[i - 1] = e[i]
  if (n > 0) e[n - 1] = 0
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
      const m = firstNegligible(l, n, d, e)
      if (m === l) break
      sweepQL(z, width, d, e, l, m)
    }
  }
}

function firstNegligible(l: number, n: number, d: Float64Array, e: Float64Array): number {
  for (let m = l; m < n - 1; m++) {
    if (Math.abs(e[m]) <= Number.EPSILON * (Math.abs(d[m]) + Math.abs(d[m + 1]))) return m
  }
  return n - 1
}

function sweepQL(z: Float64Array, width: number, d: Float64Array, e: Float64Array, l: number, m: number): void {
  let g = (d[l + 1] - d[l]) / (2 * e[l])
  const root = hypotenuse(g, 1)
  g = d[m] - d[l] + e[l] / (g + (g >= 0 ? root : -root))
  let s = 1
  let c = 1
  let p = 0
  for (let i = m - 1; i >= l; i--) {
    const f = s * e[i]
    const b = c * e[i]
    const r = hypotenuse(f, g)
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
    rotateRows(z, width, i, s, c)
  }
  d[l] -= p
  e[l] = g
  e[m] = 0
}

/** √(a² + b²): only where a square would leave the range is Math.hypot called, which makes an object for each argument. */
function hypotenuse(a: number, b: number): number {
  const sum = a * a + b * b
  return sum > SMALLEST_SQUARE && sum < LARGEST_SQUARE ? Math.sqrt(sum) : Math.hypot(a, b)
}

/** Between these a sum of two squares has all its digits. */
const SMALLEST_SQUARE = 2 ** -960
const LARGEST_SQUARE = 2 ** 960

function rotateRows(z: Float64Array, width: number, i: number, s: number, c: number): void {
  for (let a = i * width, b = a + width, end = b; a < end; a++, b++) {
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
