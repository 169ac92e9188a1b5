import type { Matrix, Matrix64 } from '../../src/engine/numerics/matrix'
import { seededRandom } from '../../src/engine/numerics/random'

/*
 * Matrices for tests, and products by plain loops in float64: independent of the code under test.
 */

type AnyMatrix = Matrix<Float32Array | Float64Array>

export const entry = ({ data, cols }: AnyMatrix, i: number, j: number): number => data[i * cols + j] as number

export function matrixOf(rows: number, cols: number, value: (i: number, j: number) => number): Matrix64 {
  const data = new Float64Array(rows * cols)
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) data[i * cols + j] = value(i, j)
  return { data, rows, cols }
}

/** Normally distributed numbers of mean 0 and variance 1. */
export function gaussian(...labels: readonly (string | number)[]): () => number {
  const random = seededRandom('test', ...labels)
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

export function gaussianMatrix(rows: number, cols: number, label: string | number): Matrix64 {
  const next = gaussian('matrix', label)
  return matrixOf(rows, cols, next)
}

export const transpose = (a: AnyMatrix): Matrix64 => matrixOf(a.cols, a.rows, (i, j) => entry(a, j, i))

/** A · B. */
export function product(a: AnyMatrix, b: AnyMatrix): Matrix64 {
  if (a.cols !== b.rows) throw new Error(`product of [${a.rows}, ${a.cols}] and [${b.rows}, ${b.cols}]`)
  const data = new Float64Array(a.rows * b.cols)
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.cols; k++) {
      const factor = entry(a, i, k)
      if (factor === 0) continue
      const [to, from] = [i * b.cols, k * b.cols]
      for (let j = 0; j < b.cols; j++) data[to + j] = (data[to + j] as number) + factor * (b.data[from + j] as number)
    }
  }
  return { data, rows: a.rows, cols: b.cols }
}

/** A + factor · B. */
export const plus = (a: AnyMatrix, factor: number, b: AnyMatrix): Matrix64 =>
  matrixOf(a.rows, a.cols, (i, j) => entry(a, i, j) + factor * entry(b, i, j))

export const minus = (a: AnyMatrix, b: AnyMatrix): Matrix64 => plus(a, -1, b)

export const largest = ({ data }: AnyMatrix): number =>
  Float64Array.from(data).reduce((max, x) => Math.max(max, Math.abs(x)), 0)

export const norm = ({ data }: AnyMatrix): number =>
  Math.sqrt(Float64Array.from(data).reduce((sum, x) => sum + x * x, 0))

/** How far the columns are from orthonormal: the largest entry of |UᵀU − I|. */
export const orthogonalityError = (u: Matrix64): number =>
  largest(
    minus(
      product(transpose(u), u),
      matrixOf(u.cols, u.cols, (i, j) => (i === j ? 1 : 0))
    )
  )

/** tr(R H Rᵀ). */
export function lossOf(R: AnyMatrix, H: AnyMatrix): number {
  const RH = product(R, H)
  return RH.data.reduce((sum, x, i) => sum + x * (R.data[i] as number), 0)
}

export const allFinite = ({ data }: AnyMatrix): boolean => data.every((x) => Number.isFinite(x))
