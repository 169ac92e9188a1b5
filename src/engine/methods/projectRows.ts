import type { LinearAlgebra } from '../graph/linearAlgebra'
import { type Matrix32, type Matrix64, sliceRows } from '../numerics/matrix'

/** Values of M that are held in float64 at a time: 8 MiB, which stay in the cache. */
const TILE_VALUES = 2 ** 20

/**
 * UᵀM in float64, for U [m, k] and M [m, n] in either precision: a part of M's rows after the other, so that M is never
 * held in float64 as a whole.
 */
export async function projectRows(algebra: LinearAlgebra, U: Matrix64, M: Matrix32 | Matrix64): Promise<Matrix64> {
  if (M.data instanceof Float64Array) return algebra.gemm64(U, M as Matrix64, { transA: true })
  const { data, rows, cols } = M
  const result = new Float64Array(U.cols * cols)
  const height = Math.min(rows, Math.max(1, Math.floor(TILE_VALUES / Math.max(1, cols))))
  const buffer = new Float64Array(height * cols)
  for (let begin = 0; begin < rows; begin += height) {
    const end = Math.min(rows, begin + height)
    buffer.set(data.subarray(begin * cols, end * cols))
    const tile = sliceRows({ data: buffer, rows: height, cols }, 0, end - begin)
    addInto(result, (await algebra.gemm64(sliceRows(U, begin, end), tile, { transA: true })).data)
  }
  return { data: result, rows: U.cols, cols }
}

function addInto(sum: Float64Array, part: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (part[i] as number)
}
