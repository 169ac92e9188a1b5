import type { LinearAlgebra } from '../graph/linearAlgebra'
import { innerProduct, type Matrix32 } from '../numerics/matrix'

/** Panels that H's triangle is cut into: with eight, the products come to 9/16 of those with the whole of H. */
const PANELS = 8
/** Rows of the narrowest panel: below, products are too small to be worth more of them. */
const SHORTEST = 64

/**
 * tr(M H Mᵀ) for a symmetric H, from its lower triangle alone.
 *
 *     tr(M H Mᵀ) = Σ_J 2⟨M_J, H_J,<J Mᵀ_<J⟩ + ⟨M_J, H_JJ Mᵀ_J⟩,   J panels of channels
 *
 * Products are float32 on the device; each entry is off by some 1e-7 of its row's length, in random directions, and all are
 * added up in float64, so the sum keeps nine digits.
 *
 * @param Mt - the transpose of M [m, n]
 * @param H - symmetric [n, n]
 */
export async function energy(algebra: LinearAlgebra, Mt: Matrix32, H: Matrix32): Promise<number> {
  const { rows: n, cols: m } = Mt
  const height = Math.max(SHORTEST, Math.ceil(n / PANELS))
  let sum = 0
  for (let begin = 0; begin < n; begin += height) {
    const end = Math.min(n, begin + height)
    const above = { data: Mt.data.subarray(0, end * m), rows: end, cols: m }
    const { data } = await algebra.gemm32(lowerRows(H, begin, end), above)
    sum += 2 * innerProduct(data, Mt.data.subarray(begin * m, end * m))
  }
  return sum
}

/** Rows [begin, end) of H up to their diagonal block, which is halved: it holds both of its triangles. */
function lowerRows({ data, cols: n }: Matrix32, begin: number, end: number): Matrix32 {
  const rows = new Float32Array((end - begin) * end)
  for (let i = begin, at = 0; i < end; i++, at += end) {
    rows.set(data.subarray(i * n, i * n + end), at)
    for (let j = at + begin; j < at + end; j++) rows[j] = (rows[j] as number) / 2
  }
  return { data: rows, rows: end - begin, cols: end }
}
