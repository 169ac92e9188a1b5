/** A dense row-major matrix: entry (i, j) is data[i · cols + j]. */
export interface Matrix<T extends Float32Array | Float64Array = Float64Array> {
  readonly data: T
  readonly rows: number
  readonly cols: number
}
export type Matrix32 = Matrix<Float32Array>
export type Matrix64 = Matrix<Float64Array>

/** A matrix whose values are made when somebody first asks for them, and stay then until they are let go of. */
export class LateMatrix implements Matrix32 {
  #data: Float32Array | undefined

  constructor(
    readonly rows: number,
    readonly cols: number,
    private readonly make: () => Float32Array
  ) {}

  get data(): Float32Array {
    this.#data ??= this.make()
    return this.#data
  }

  /** Lets go of the values: they are made anew where somebody asks. */
  forget(): void {
    this.#data = undefined
  }
}

export const zeros64 = (rows: number, cols: number): Matrix64 => ({ data: new Float64Array(rows * cols), rows, cols })

export function identity64(size: number): Matrix64 {
  const result = zeros64(size, size)
  for (let i = 0; i < size; i++) result.data[i * size + i] = 1
  return result
}

/** The same entries in float64 (exact). */
export const toFloat64 = (a: Matrix<Float32Array | Float64Array>): Matrix64 => ({
  data: a.data instanceof Float64Array ? a.data : copied(a.data, new Float64Array(a.data.length)),
  rows: a.rows,
  cols: a.cols
})

/** Values as a matrix [n, 1] in float32. */
export const column32 = (values: ArrayLike<number>): Matrix32 => ({
  data: Float32Array.from(values),
  rows: values.length,
  cols: 1
})

/** The same entries rounded to float32. */
export const toFloat32 = (a: Matrix<Float32Array | Float64Array>): Matrix32 => ({
  data: a.data instanceof Float32Array ? a.data : copied(a.data, new Float32Array(a.data.length)),
  rows: a.rows,
  cols: a.cols
})

/** `set` converts several times as fast as a constructor or a loop does. */
function copied<T extends Float32Array | Float64Array>(values: Float32Array | Float64Array, target: T): T {
  target.set(values)
  return target
}

/** Rows 0, every, 2 · every, … of A; A itself where that is each of them. */
export function everyRow<T extends Float32Array | Float64Array>(a: Matrix<T>, every: number): Matrix<T> {
  if (every === 1) return a
  const rows = Math.ceil(a.rows / every)
  const data = a.data.slice(0, rows * a.cols) as T
  for (let i = 0; i < rows; i++) data.set(a.data.subarray(i * every * a.cols, (i * every + 1) * a.cols), i * a.cols)
  return { data, rows, cols: a.cols }
}

/** Rows [begin, end), without a copy. */
export const sliceRows = <T extends Float32Array | Float64Array>(
  a: Matrix<T>,
  begin: number,
  end: number
): Matrix<T> => ({
  data: a.data.subarray(begin * a.cols, end * a.cols) as T,
  rows: end - begin,
  cols: a.cols
})

/** Columns [begin, end) as a matrix of their own. */
export function sliceColumns(a: Matrix64, begin: number, end: number): Matrix64 {
  const result = zeros64(a.rows, end - begin)
  for (let i = 0; i < a.rows; i++) {
    result.data.set(a.data.subarray(i * a.cols + begin, i * a.cols + end), i * result.cols)
  }
  return result
}

/** Matrices of equal height beside each other. */
export function concatColumns(parts: readonly Matrix64[]): Matrix64 {
  const rows = parts[0]?.rows ?? 0
  const result = zeros64(
    rows,
    parts.reduce((sum, part) => sum + part.cols, 0)
  )
  let offset = 0
  for (const part of parts) {
    for (let i = 0; i < rows; i++) {
      result.data.set(part.data.subarray(i * part.cols, (i + 1) * part.cols), i * result.cols + offset)
    }
    offset += part.cols
  }
  return result
}

/** Multiplies column j by factors[j], in place. */
export function scaleColumns(a: Matrix64, factors: ArrayLike<number>): Matrix64 {
  const { data, rows, cols } = a
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) data[i * cols + j] *= factors[j]
  return a
}

/** ⟨A, B⟩ = Σ A[i] · B[i] over all entries, added up in float64: in four sums, none of which waits for the others. */
export function innerProduct(a: Float32Array | Float64Array, b: Float32Array | Float64Array): number {
  let first = 0
  let second = 0
  let third = 0
  let fourth = 0
  const whole = a.length - (a.length % 4)
  for (let i = 0; i < whole; i += 4) {
    first += a[i] * b[i]
    second += a[i + 1] * b[i + 1]
    third += a[i + 2] * b[i + 2]
    fourth += a[i + 3] * b[i + 3]
  }
  for (let i = whole; i < a.length; i++) first += a[i] * b[i]
  return first + second + (third + fourth)
}

/** Sum of squares in float64: the squared Frobenius norm. */
export const squaredNorm = (a: Float32Array | Float64Array): number => innerProduct(a, a)

/**
 * Index of the first NaN or infinity, or −1.
 *
 * x − x is zero for every finite x and NaN for all others, so the common case is one subtraction and one addition a value:
 * in four sums, none of which waits for the others.
 */
export function firstNonFinite(values: Float32Array | Float64Array): number {
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  const whole = values.length - (values.length % 4)
  for (let i = 0; i < whole; i += 4) {
    a += values[i] - values[i]
    b += values[i + 1] - values[i + 1]
    c += values[i + 2] - values[i + 2]
    d += values[i + 3] - values[i + 3]
  }
  for (let i = whole; i < values.length; i++) a += values[i] - values[i]
  return a + b + c + d === 0 ? -1 : values.findIndex((value) => !Number.isFinite(value))
}

/** (A + Aᵀ) / 2 for a square A that is symmetric up to rounding. */
export function symmetrized(a: Matrix64): Matrix64 {
  const n = a.rows
  const result = zeros64(n, n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) result.data[i * n + j] = (a.data[i * n + j] + a.data[j * n + i]) / 2
  }
  return result
}

/** A − B. */
export function subtract(a: Matrix64, b: Matrix64): Matrix64 {
  const data = new Float64Array(a.data.length)
  for (let i = 0; i < data.length; i++) data[i] = a.data[i] - b.data[i]
  return { data, rows: a.rows, cols: a.cols }
}

/** Multiplies row i by factors[i], in place. */
export function scaleRows<T extends Float32Array | Float64Array>(a: Matrix<T>, factors: ArrayLike<number>): Matrix<T> {
  const { data, rows, cols } = a
  for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < cols; j++, at++) data[at] *= factors[i]
  return a
}

/** The columns that are longer than `shortest`, each scaled to length one. */
export function normalizedColumns(a: Matrix64, shortest = 0): Matrix64 {
  const squares = new Float64Array(a.cols)
  for (let i = 0, at = 0; i < a.rows; i++) for (let j = 0; j < a.cols; j++, at++) squares[j] += a.data[at] * a.data[at]
  const kept = Int32Array.from(Array.from(squares.keys()).filter((j) => squares[j] > shortest ** 2))
  const lengths = Float64Array.from(kept, (j) => Math.sqrt(squares[j]))
  const result = zeros64(a.rows, kept.length)
  for (let i = 0, at = 0, row = 0; i < a.rows; i++, row += a.cols) {
    for (let j = 0; j < kept.length; j++, at++) result.data[at] = a.data[row + kept[j]] / lengths[j]
  }
  return result
}

/** The largest |entry|, 0 of an empty matrix. */
export function largestEntry({ data }: Matrix64): number {
  let largest = 0
  for (let i = 0; i < data.length; i++) largest = Math.max(largest, Math.abs(data[i]))
  return largest
}

/** The diagonal of a square matrix. */
export const diagonalOf = (a: Matrix64): Float64Array =>
  Float64Array.from({ length: a.rows }, (_, i) => a.data[i * a.cols + i])

/** Columns that are transposed before the next rows are: their lines of the result are not full before, and stay in the cache. */
const PANEL = 256
/** Rows that are read at a time: the processor's cache tells no more of them apart where they lie a power of two apart. */
const ROWS = 8

/** The transpose. */
export function transposed<T extends Float32Array | Float64Array>(a: Matrix<T>): Matrix<T> {
  const { rows, cols } = a
  const data = (a.data instanceof Float32Array ? new Float32Array(a.data.length) : new Float64Array(a.data.length)) as T
  const whole = rows - (rows % ROWS)
  for (let left = 0; left < cols; left += PANEL) {
    const right = Math.min(cols, left + PANEL)
    for (let i = 0; i < whole; i += ROWS) transposeEight(a, data, i, left, right)
    for (let i = whole; i < rows; i++) for (let j = left; j < right; j++) data[j * rows + i] = a.data[i * cols + j]
  }
  return { data, rows: cols, cols: rows }
}

/** Columns [left, right) of eight rows from `row` on. */
function transposeEight(
  { data, rows, cols }: Matrix<Float32Array | Float64Array>,
  target: Float32Array | Float64Array,
  row: number,
  left: number,
  right: number
): void {
  for (let j = left, to = left * rows + row; j < right; j++, to += rows) {
    const from = row * cols + j
    target[to] = data[from]
    target[to + 1] = data[from + cols]
    target[to + 2] = data[from + 2 * cols]
    target[to + 3] = data[from + 3 * cols]
    target[to + 4] = data[from + 4 * cols]
    target[to + 5] = data[from + 5 * cols]
    target[to + 6] = data[from + 6 * cols]
    target[to + 7] = data[from + 7 * cols]
  }
}
