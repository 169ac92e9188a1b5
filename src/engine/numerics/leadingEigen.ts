import { type Matrix64, sliceColumns, zeros64 } from './matrix'
import { fillUniform, seededRandom } from './random'
import { type SymmetricEigen, symmetricEigen, tridiagonalEigenvalues } from './symmetricEigen'
import { type Tridiagonal, tridiagonalize } from './tridiagonalize'

/** Each solve multiplies the wanted direction by about 1 / ε against the others; the third only polishes, where that is left. */
const SOLVES = 3
/** The residual of a unit eigenvector, as a share of the matrix, that a further solve would not make smaller. */
const POLISHED = 16 * Number.EPSILON
/** Shifts of equal eigenvalues are moved apart by so many ε, or every solve would find the same vector. */
const APART = 10 * Number.EPSILON
/** The residual of a unit eigenvector, as a share of the matrix; what is above was not found. */
const RESIDUAL = 1e-12
/** From this share of all eigenpairs on the whole decomposition is no slower. */
const MOST = 0.6

/** The eigenvalues of a matrix, and what its eigenvectors follow from. */
export interface Reduced {
  readonly matrix: Matrix64
  readonly tridiagonal: Tridiagonal
  /** λ₁ ≥ λ₂ ≥ … of the tridiagonal matrix: those of A divided by its scale. */
  readonly scaled: Float64Array
  /** λ₁ ≥ λ₂ ≥ … */
  readonly values: Float64Array
}

/** All eigenvalues, by Householder tridiagonalization and implicit QL: about 4k³/3 operations. */
export function reduced(A: Matrix64): Reduced {
  const tridiagonal = tridiagonalize(A)
  const scaled = tridiagonalEigenvalues(tridiagonal.diagonal, tridiagonal.offDiagonal)
  return { matrix: A, tridiagonal, scaled, values: scaled.map((value) => value * tridiagonal.scale) }
}

/**
 * The largest eigenpairs of a symmetric matrix in float64: Householder tridiagonalization, eigenvalues by implicit QL,
 * eigenvectors by inverse iteration, each kept orthogonal to those before it.
 *
 * About a third of the work of `symmetricEigen` when a third of the pairs is wanted. Where a vector does not settle (many
 * eigenvalues within rounding of each other) the whole decomposition answers instead.
 *
 * @param A - symmetric [k, k]; only its lower triangle is read
 * @returns λ₁ ≥ … ≥ λ_count and V [k, count]; count is cut to k
 * Source: Golub & Van Loan, Matrix Computations, 4th ed., section 8.4; LAPACK's dstein for the shifts.
 */
export const leadingEigen = (A: Matrix64, count: number): SymmetricEigen =>
  count > MOST * A.rows ? cut(symmetricEigen(A), count) : leadingOf(reduced(A), count)

/** `leadingEigen` of a matrix whose eigenvalues are known. */
export function leadingOf({ matrix, tridiagonal, scaled, values }: Reduced, count: number): SymmetricEigen {
  const wanted = Math.min(count, matrix.rows)
  const rows = wanted > MOST * matrix.rows ? undefined : inverseIteration(tridiagonal, scaled.subarray(0, wanted))
  if (rows === undefined) return cut(symmetricEigen(matrix), wanted)
  transformBack(tridiagonal, rows, wanted)
  return { values: values.slice(0, wanted), vectors: columnsOf(rows, matrix.rows, wanted) }
}

const cut = ({ values, vectors }: SymmetricEigen, count: number): SymmetricEigen => ({
  values: values.slice(0, count),
  vectors: sliceColumns(vectors, 0, Math.min(count, vectors.cols))
})

/** Eigenvectors of the tridiagonal matrix as rows [count, size]; undefined when one does not settle. */
function inverseIteration(matrix: Tridiagonal, values: Float64Array): Float64Array | undefined {
  const { size } = matrix
  const rows = new Float64Array(values.length * size)
  const random = seededRandom('inverse iteration', size)
  const solver = new ShiftedTridiagonal(matrix)
  let shift = Number.POSITIVE_INFINITY
  for (const [j, value] of values.entries()) {
    shift = Math.min(value, shift - APART)
    solver.factor(shift)
    const x = rows.subarray(j * size, (j + 1) * size)
    fillUniform(x, 1, random)
    let left = Number.POSITIVE_INFINITY
    for (let solve = 0; solve < SOLVES && !(left <= POLISHED); solve++) {
      solver.solve(x)
      if (!orthogonalize(x, rows, j, size)) return undefined
      left = residual(matrix, x, value)
    }
    if (!(left <= RESIDUAL)) return undefined
  }
  return rows
}

/** Takes the first `count` rows' shares out of x, twice, and scales it to length one; false when nothing is left. */
function orthogonalize(x: Float64Array, rows: Float64Array, count: number, size: number): boolean {
  for (let pass = 0; pass < 2; pass++) {
    if (!normalize(x)) return false
    let j = 0
    for (; j + 4 <= count; j += 4) takeOutFour(x, rows, j * size, size)
    for (; j < count; j++) reflect(rows.subarray(j * size, (j + 1) * size), 1, x, 0) // x − v vᵀx
  }
  return normalize(x)
}

/** The shares of four rows that are orthogonal to each other, whose sums do not wait for each other. */
function takeOutFour(x: Float64Array, rows: Float64Array, start: number, size: number): void {
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  for (let i = 0, a = start, b = a + size, c = b + size, d = c + size; i < size; i++, a++, b++, c++, d++) {
    const xi = x[i]
    s0 += xi * rows[a]
    s1 += xi * rows[b]
    s2 += xi * rows[c]
    s3 += xi * rows[d]
  }
  for (let i = 0, a = start, b = a + size, c = b + size, d = c + size; i < size; i++, a++, b++, c++, d++) {
    x[i] -= s0 * rows[a] + s1 * rows[b] + (s2 * rows[c] + s3 * rows[d])
  }
}

function normalize(x: Float64Array): boolean {
  let largest = 0
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]))
  if (!(largest > 0 && largest < Number.POSITIVE_INFINITY)) return false
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += (x[i] / largest) ** 2
  const length = largest * Math.sqrt(sum)
  for (let i = 0; i < x.length; i++) x[i] /= length
  return true
}

/** The largest entry of |T x − λ x|; T's own largest entry is about one. */
function residual({ diagonal: d, offDiagonal: e, size }: Tridiagonal, x: Float64Array, value: number): number {
  let largest = 0
  for (let i = 0; i < size; i++) {
    const below = i > 0 ? e[i] * x[i - 1] : 0
    const above = i + 1 < size ? e[i + 1] * x[i + 1] : 0
    largest = Math.max(largest, Math.abs(below + (d[i] - value) * x[i] + above))
  }
  return largest
}

/** T − λI as L U with row interchanges. */
class ShiftedTridiagonal {
  readonly #main: Float64Array
  readonly #above: Float64Array
  readonly #second: Float64Array
  readonly #factors: Float64Array
  readonly #swapped: Uint8Array

  constructor(private readonly matrix: Tridiagonal) {
    const { size } = matrix
    this.#main = new Float64Array(size)
    this.#above = new Float64Array(size)
    this.#second = new Float64Array(size)
    this.#factors = new Float64Array(size)
    this.#swapped = new Uint8Array(size)
  }

  factor(shift: number): void {
    const { diagonal: d, offDiagonal: e, size } = this.matrix
    const [main, above, second] = [this.#main, this.#above, this.#second]
    for (let i = 0; i < size; i++) {
      main[i] = d[i] - shift
      above[i] = i + 1 < size ? e[i + 1] : 0
      second[i] = 0
    }
    for (let i = 0; i + 1 < size; i++) this.#eliminate(i, e[i + 1])
    if (size > 0) main[size - 1] = awayFromZero(main[size - 1])
  }

  /** Clears the entry `below` under the diagonal of column i. */
  #eliminate(i: number, below: number): void {
    const main = this.#main
    const above = this.#above
    const second = this.#second
    this.#swapped[i] = Math.abs(below) > Math.abs(main[i]) ? 1 : 0
    if (this.#swapped[i] === 1) {
      const factor = main[i] / below
      const firstAbove = above[i]
      const nextMain = main[i + 1]
      const nextAbove = above[i + 1]
      main[i] = below
      above[i] = nextMain
      second[i] = nextAbove
      main[i + 1] = firstAbove - factor * nextMain
      above[i + 1] = -factor * nextAbove
      this.#factors[i] = factor
    } else {
      main[i] = awayFromZero(main[i])
      const factor = below / main[i]
      main[i + 1] -= factor * above[i]
      this.#factors[i] = factor
    }
  }

  /** x ← (T − λI)⁻¹ x. */
  solve(x: Float64Array): void {
    const n = x.length
    for (let i = 0; i + 1 < n; i++) {
      if (this.#swapped[i] === 1) {
        const upper = x[i]
        x[i] = x[i + 1]
        x[i + 1] = upper - this.#factors[i] * x[i]
      } else {
        x[i + 1] -= this.#factors[i] * x[i]
      }
    }
    for (let i = n - 1; i >= 0; i--) {
      const next = i + 1 < n ? this.#above[i] * x[i + 1] : 0
      const last = i + 2 < n ? this.#second[i] * x[i + 2] : 0
      x[i] = (x[i] - next - last) / this.#main[i]
    }
  }
}

/** A pivot that is zero up to rounding stands for the smallest that is not. */
const awayFromZero = (pivot: number): number =>
  Math.abs(pivot) < Number.EPSILON ? (pivot < 0 ? -Number.EPSILON : Number.EPSILON) : pivot

/** Rows y ← (Z y)ᵀ: eigenvectors of the matrix before its reduction. Four at a time, whose sums do not wait for each other. */
function transformBack({ reflectors, betas, size }: Tridiagonal, rows: Float64Array, count: number): void {
  for (let k = 2; k < size; k++) {
    if (betas[k] === 0) continue
    const v = reflectors.subarray(k * size, k * size + k)
    let j = 0
    for (; j + 4 <= count; j += 4) reflectFour(v, betas[k], rows, j * size, size)
    for (; j < count; j++) reflect(v, betas[k], rows, j * size)
  }
}

function reflect(v: Float64Array, beta: number, rows: Float64Array, start: number): void {
  let dot = 0
  for (let i = 0, y = start; i < v.length; i++, y++) dot += v[i] * rows[y]
  dot *= beta
  for (let i = 0, y = start; i < v.length; i++, y++) rows[y] -= dot * v[i]
}

function reflectFour(v: Float64Array, beta: number, rows: Float64Array, start: number, size: number): void {
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  for (let i = 0, a = start, b = a + size, c = b + size, d = c + size; i < v.length; i++, a++, b++, c++, d++) {
    s0 += v[i] * rows[a]
    s1 += v[i] * rows[b]
    s2 += v[i] * rows[c]
    s3 += v[i] * rows[d]
  }
  s0 *= beta
  s1 *= beta
  s2 *= beta
  s3 *= beta
  for (let i = 0, a = start, b = a + size, c = b + size, d = c + size; i < v.length; i++, a++, b++, c++, d++) {
    rows[a] -= s0 * v[i]
    rows[b] -= s1 * v[i]
    rows[c] -= s2 * v[i]
    rows[d] -= s3 * v[i]
  }
}

function columnsOf(rows: Float64Array, size: number, count: number): Matrix64 {
  const result = zeros64(size, count)
  for (let j = 0; j < count; j++) for (let i = 0; i < size; i++) result.data[i * count + j] = rows[j * size + i]
  return result
}
