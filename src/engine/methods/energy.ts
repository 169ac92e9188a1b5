import type { LinearAlgebra } from '../graph/linearAlgebra'
import { innerProduct, type Matrix32, squaredNorm } from '../numerics/matrix'
import type { SecondMoment } from './secondMoment'

/** Panels that H's triangle is cut into: with eight, the products come to 9/16 of those with the whole of H. */
const PANELS = 8
/** Rows of the narrowest panel: below, products are too small to be worth more of them. */
const SHORTEST = 64

/**
 * tr(M H Mᵀ) for a symmetric H, from one of its triangles alone.
 *
 *     tr(M H Mᵀ) = Σ_J 2⟨M_J, H_J,<J Mᵀ_<J⟩ + ⟨M_J, H_JJ Mᵀ_J⟩,   J panels of channels
 *
 * Products are float32 on the device; each entry is off by some 1e-7 of its row's length, in random directions, and all are
 * added up in float64, so the sum keeps nine digits. What rounding H to float32 does to its diagonal is made good: where one
 * channel has nearly all the energy, it would be nearly all the error.
 *
 * @param Mt - the transpose of M [m, n]
 */
export async function energy(algebra: LinearAlgebra, Mt: Matrix32, moment: SecondMoment): Promise<number> {
  const { rows: n, cols: m } = Mt
  const { rounded: H, diagonal } = moment
  const height = Math.max(SHORTEST, Math.ceil(n / PANELS))
  let sum = 0
  for (let i = 0, at = 0; i < n; i++, at += n + 1) {
    const lost = (diagonal[i] as number) - (H.data[at] as number)
    if (lost !== 0) sum += lost * squaredNorm(Mt.data.subarray(i * m, (i + 1) * m))
  }
  for (let begin = 0; begin < n; begin += height) {
    const end = Math.min(n, begin + height)
    const above = { data: Mt.data.subarray(0, end * m), rows: end, cols: m }
    const { data } = await algebra.gemm32(upperColumns(H, begin, end), above, { transA: true })
    sum += 2 * innerProduct(data, Mt.data.subarray(begin * m, end * m))
  }
  return sum
}

/** Columns [begin, end) of H down to their diagonal block, which is halved: it holds both of its triangles. */
function upperColumns({ data, cols: n }: Matrix32, begin: number, end: number): Matrix32 {
  const cols = end - begin
  const panel = new Float32Array(end * cols)
  for (let i = 0; i < end; i++) panel.set(data.subarray(i * n + begin, i * n + end), i * cols)
  for (let at = begin * cols; at < panel.length; at++) panel[at] = (panel[at] as number) / 2
  return { data: panel, rows: end, cols }
}
