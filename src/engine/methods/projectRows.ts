import type { LinearAlgebra } from '../graph/linearAlgebra'
import { type Matrix32, type Matrix64, sliceRows, toFloat64 } from '../numerics/matrix'

/** Values of M that are held in float64 at a time: 32 MiB. */
const TILE_VALUES = 2 ** 22

/**
 * UᵀM in float64, for U [m, k] and M [m, n] in either precision: a part of M's rows after the other, so that M is never
 * held in float64 as a whole.
 */
export async function projectRows(algebra: LinearAlgebra, U: Matrix64, M: Matrix32 | Matrix64): Promise<Matrix64> {
  if (M.data instanceof Float64Array) return algebra.gemm64(U, M as Matrix64, { transA: true })
  const { rows, cols } = M as Matrix32
  const result = { data: new Float64Array(U.cols * cols), rows: U.cols, cols }
  const height = Math.max(1, Math.floor(TILE_VALUES / Math.max(1, cols)))
  for (let begin = 0; begin < rows; begin += height) {
    const end = Math.min(rows, begin + height)
    const { data } = await algebra.gemm64(sliceRows(U, begin, end), toFloat64(sliceRows(M as Matrix32, begin, end)), {
      transA: true
    })
    for (let i = 0; i < data.length; i++) result.data[i] = (result.data[i] as number) + (data[i] as number)
  }
  return result
}
