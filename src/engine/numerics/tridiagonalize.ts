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
 * Each reflector changes the corner before it by A ← A − v wᵀ − w vᵀ. That is put off until the next reflector u is known, so
 * that one pass over the corner both changes it and multiplies it by u.
 *
 * @param A - symmetric [k, k]; only its lower triangle is read
 * Source: Golub & Van Loan, Matrix Computations, 4th ed., algorithm 8.3.1 (as in EISPACK tred2).
 */
export function tridiagonalize(A: Matrix64): Tridiagonal {
  const n = A.rows
  const scale = powerOfTwoAbove(A)
  const z = symmetricCopy(A, 1 / scale)
  const e = new Float64Array(n)
  const betas = new Float64Array(n)
  let v = new Float64Array(n)
  let u = new Float64Array(n)
  const w = new Float64Array(n)
  const Au = new Float64Array(n)
  for (let k = n - 1; k >= 0; k--) {
    const row = k * n
    for (let j = 0; j <= k; j++) z[row + j] -= v[k] * w[j] + w[k] * v[j]
    // Eliminate row k left of its sub-diagonal with a reflector on indices 0..k-1; it is kept in that row.
    let tail = 0
    for (let j = 0; j < k - 1; j++) tail += z[row + j] * z[row + j]
    const reflects = tail >= NEGLIGIBLE
    if (reflects) {
      const last = z[row + k - 1]
      const norm = Math.sqrt(tail + last * last)
      e[k] = last > 0 ? -norm : norm
      z[row + k - 1] = last - e[k]
      betas[k] = 2 / (tail + z[row + k - 1] ** 2)
    } else if (k > 0) e[k] = z[row + k - 1]
    for (let j = 0; j < k; j++) u[j] = reflects ? z[row + j] : 0
    changeAndMultiply(z, n, k, v, w, u, Au)
    changeOf(k, betas[k], u, Au, w)
    ;[v, u] = [u, v]
  }
  const diagonal = Float64Array.from({ length: n }, (_, k) => z[k * n + k])
  return { scale, size: n, diagonal, offDiagonal: e, reflectors: z, betas }
}

/** w of the change v wᵀ + w vᵀ that the reflector I − βuuᵀ makes on both sides: w = p − (β/2) (uᵀp) u with p = βAu. */
function changeOf(k: number, beta: number, u: Float64Array, Au: Float64Array, w: Float64Array): void {
  let dot = 0
  for (let i = 0; i < k; i++) {
    w[i] = beta * Au[i]
    dot += w[i] * u[i]
  }
  const half = (beta * dot) / 2
  for (let i = 0; i < k; i++) w[i] -= half * u[i]
}

/**
 * A ← A − v wᵀ − w vᵀ and Au = A u on the lower triangle of the leading k × k corner: four rows at a time, whose sums do not
 * wait for each other.
 */
function changeAndMultiply(
  z: Float64Array,
  n: number,
  k: number,
  v: Float64Array,
  w: Float64Array,
  u: Float64Array,
  Au: Float64Array
): void {
  Au.fill(0, 0, k)
  let i = 0
  for (; i + 4 <= k; i += 4) {
    const v0 = v[i]
    const v1 = v[i + 1]
    const v2 = v[i + 2]
    const v3 = v[i + 3]
    const w0 = w[i]
    const w1 = w[i + 1]
    const w2 = w[i + 2]
    const w3 = w[i + 3]
    const u0 = u[i]
    const u1 = u[i + 1]
    const u2 = u[i + 2]
    const u3 = u[i + 3]
    let s0 = 0
    let s1 = 0
    let s2 = 0
    let s3 = 0
    for (let j = 0, a = i * n, b = a + n, c = b + n, d = c + n; j < i; j++, a++, b++, c++, d++) {
      const vj = v[j]
      const wj = w[j]
      const uj = u[j]
      const z0 = z[a] - (v0 * wj + w0 * vj)
      const z1 = z[b] - (v1 * wj + w1 * vj)
      const z2 = z[c] - (v2 * wj + w2 * vj)
      const z3 = z[d] - (v3 * wj + w3 * vj)
      z[a] = z0
      z[b] = z1
      z[c] = z2
      z[d] = z3
      s0 += z0 * uj
      s1 += z1 * uj
      s2 += z2 * uj
      s3 += z3 * uj
      Au[j] += z0 * u0 + z1 * u1 + (z2 * u2 + z3 * u3)
    }
    Au[i] += s0
    Au[i + 1] += s1
    Au[i + 2] += s2
    Au[i + 3] += s3
    for (let r = i; r < i + 4; r++) cornerRow(z, n, r, i, v, w, u, Au)
  }
  for (; i < k; i++) cornerRow(z, n, i, 0, v, w, u, Au)
}

/** The same for row i from column `from` to its diagonal. */
function cornerRow(
  z: Float64Array,
  n: number,
  i: number,
  from: number,
  v: Float64Array,
  w: Float64Array,
  u: Float64Array,
  Au: Float64Array
): void {
  const vi = v[i]
  const wi = w[i]
  const ui = u[i]
  let sum = 0
  for (let j = from, at = i * n + from; j < i; j++, at++) {
    const value = z[at] - (vi * w[j] + wi * v[j])
    z[at] = value
    sum += value * u[j]
    Au[j] += value * ui
  }
  z[i * n + i] -= 2 * vi * wi
  Au[i] += sum + z[i * n + i] * ui
}
