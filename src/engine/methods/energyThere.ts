import type { DeviceGraph } from '../graph/deviceMemory'
import { GraphBuilder } from '../graph/graphBuilder'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import { TENSOR_LIMIT_BYTES } from '../graph/session'
import type { Matrix32 } from '../numerics/matrix'
import type { SecondMoment } from './secondMoment'

/** Entries that are added up in float32, so that each sum keeps seven digits; what they come to is added up in float64. */
const TOGETHER = 64
/** Where rows do not part into sums of nearly so many, whole rows are added up. */
const FEWEST_TOGETHER = 16

/** What the entries of a sum come to at least, in the mean: the float32 that a shader takes for zero are no share of it then. */
const SMALLEST_MEAN = 1e-30

/**
 * tr(M H Mᵀ) for a symmetric H on a device that is given both, of which a small share comes back:
 *
 *     tr(M H Mᵀ) = Σ_ij M_ij (M H)_ij
 *
 * As with `energy` the products are float32 and off in random directions, and what rounding H to float32 does to its diagonal
 * is made good.
 *
 * @param M - [m, n]
 * @param largest - bytes of M and of its intermediates that are treated at a time: a larger M is taken by rows
 * @returns undefined where its terms are beyond float32
 */
export async function energyThere(
  algebra: LinearAlgebra,
  M: Matrix32,
  moment: SecondMoment,
  largest = TENSOR_LIMIT_BYTES
): Promise<number | undefined> {
  const height = Math.max(1, Math.floor(largest / (4 * M.cols)))
  if (height >= M.rows) return energyOf(algebra, M, moment)
  let sum = 0
  for (let begin = 0; begin < M.rows; begin += height) {
    const end = Math.min(M.rows, begin + height)
    const part = await algebra.withRows(M, begin, end, (rows) => energyOf(algebra, rows, moment))
    if (part === undefined) return undefined
    sum += part
  }
  return sum
}

async function energyOf(algebra: LinearAlgebra, M: Matrix32, moment: SecondMoment): Promise<number | undefined> {
  const { rounded: H, diagonal } = moment
  const { sums, squares } = await algebra.compute(energyGraph(M.cols), { M, H: algebra.keepShared(H) })
  let sum = 0
  for (const part of sums?.data ?? []) sum += part
  for (let i = 0; i < M.cols; i++) {
    const lost = (diagonal[i] as number) - Math.fround(diagonal[i] as number)
    sum += lost * (squares?.data[i] as number)
  }
  return sum >= SMALLEST_MEAN * M.rows * M.cols && Number.isFinite(sum) ? sum : undefined
}

/** `sums`: Σ M_ij (M H)_ij over neighbours of a row; `squares`: Σ_i M_ij² of each column. */
function energyGraph(columns: number): DeviceGraph {
  const together = togetherOf(columns)
  return {
    name: `energy ${together}`,
    build: () => {
      const g = new GraphBuilder()
      const M = g.input('M', ['m', 'n'])
      const products = g.mul(M, g.matmul(M, g.input('H', ['n', 'n'])))
      g.output('sums', g.sum(g.reshape(products, [-1, together]), [1]), ['parts', 1])
      g.output('squares', g.sum(g.mul(M, M), [0]), [1, 'n'])
      return g.build()
    }
  }
}

/** The largest number of neighbours up to `TOGETHER` that rows part into; a row where that is too small. */
function togetherOf(columns: number): number {
  for (let count = TOGETHER; count >= FEWEST_TOGETHER; count--) if (columns % count === 0) return count
  return columns
}
