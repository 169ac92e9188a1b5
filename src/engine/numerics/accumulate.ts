import type { Matrix32, Matrix64 } from './matrix'

/** Adds a matrix to the part of a larger one that begins at a row and a column, in float64. */
export function addInto(target: Matrix64, { data, rows, cols }: Matrix32, row: number, column: number): void {
  for (let i = 0; i < rows; i++) {
    const to = (row + i) * target.cols + column
    addRow(target.data, to, data, i * cols, cols)
  }
}

/** Four values a turn: twice as fast as one. */
function addRow(target: Float64Array, to: number, data: Float32Array, from: number, count: number): void {
  const whole = count - (count % 4)
  for (let j = 0; j < whole; j += 4) {
    target[to + j] += data[from + j]
    target[to + j + 1] += data[from + j + 1]
    target[to + j + 2] += data[from + j + 2]
    target[to + j + 3] += data[from + j + 3]
  }
  for (let j = whole; j < count; j++) target[to + j] += data[from + j]
}

/** target[i] *= factor. */
export function scaleInto(target: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i] *= factor
}

/** Rows that are mirrored at a time: eight float64 fill a line of the cache. */
const ROWS = 8

/** Makes the lower triangle of a square matrix the mirror image of its upper one, all of it times a factor, in place. */
export function mirrorUpper({ data, rows: n }: Matrix64, factor = 1): void {
  for (let top = 0; top < n; top += ROWS) {
    const bottom = Math.min(n, top + ROWS)
    for (let i = top; i < bottom; i++) {
      data[i * n + i] *= factor
      for (let j = i + 1; j < bottom; j++) data[j * n + i] = data[i * n + j] *= factor
    }
    if (bottom - top === ROWS) mirrorEight(data, n, top, factor)
  }
}

/** Of eight rows from `top` on what lies behind their own square. */
function mirrorEight(data: Float64Array, n: number, top: number, factor: number): void {
  for (let j = top + ROWS, from = top * n + j, to = j * n + top; j < n; j++, from++, to += n) {
    data[to] = data[from] *= factor
    data[to + 1] = data[from + n] *= factor
    data[to + 2] = data[from + 2 * n] *= factor
    data[to + 3] = data[from + 3 * n] *= factor
    data[to + 4] = data[from + 4 * n] *= factor
    data[to + 5] = data[from + 5 * n] *= factor
    data[to + 6] = data[from + 6 * n] *= factor
    data[to + 7] = data[from + 7 * n] *= factor
  }
}

/** target[i] = a[i] − b[i] in float32 (exact where a and b are within a factor of two of each other); b may be the target. */
export function difference(
  a: Float32Array,
  b: Float32Array,
  target: Float32Array = new Float32Array(a.length)
): Float32Array {
  for (let i = 0; i < a.length; i++) target[i] = a[i] - b[i]
  return target
}
