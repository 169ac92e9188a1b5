import { AppError } from '../../shared/errors'
import type { DeviceGraph } from '../graph/deviceMemory'
import { GraphBuilder } from '../graph/graphBuilder'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import type { DeviceTensor } from '../graph/session'
import { column32, LateMatrix, type Matrix32 } from '../numerics/matrix'

/** G^½ as V diag(f) Vᵀ + r I. */
export interface CurvatureRoot {
  /** V [m, k]. */
  readonly vectors: Matrix32
  /** f [k]. */
  readonly along: Float64Array
  /** r. */
  readonly floor: number
}

/**
 * G^½E [m, n] in float32 on a device that has E, where it stays with the work at hand: its values are nowhere else.
 *
 *     G^½E = V (f ∘ (VᵀE)) + r E
 *
 * @returns undefined where the device keeps nothing, G has no directions of its own, or E is larger than what graphs make
 * @throws {AppError} DEVICE with the library's reason when the device fails
 */
export async function weighThere(
  algebra: LinearAlgebra,
  { vectors: V, along, floor }: CurvatureRoot,
  E: Matrix32
): Promise<Matrix32 | undefined> {
  const bytes = 4 * E.rows * E.cols
  if (V.cols === 0 || bytes === 0 || !(bytes <= (algebra.held?.tensorLimit ?? 0))) return undefined
  const { weighed } = await algebra.leave(WEIGH, { E, V, along: column32(along), floor: column32([floor]) })
  const elsewhere = (): never => {
    throw new AppError('INTERNAL', 'an error that outputs weigh lies on the device alone')
  }
  return algebra.adopt(new LateMatrix(E.rows, E.cols, elsewhere), weighed as DeviceTensor)
}

/** Of E [m, n], V [m, k], `along` [k, 1] and `floor` [1, 1]. */
export const WEIGH: DeviceGraph = {
  name: 'weigh',
  left: ['weighed'],
  build: () => {
    const g = new GraphBuilder()
    const E = g.input('E', ['m', 'n'])
    const V = g.input('V', ['m', 'k'])
    const parts = g.mul(g.gemm(V, E, { transA: 1 }), g.input('along', ['k', 1]))
    g.output('weighed', g.add(g.gemm(V, parts), g.mul(g.input('floor', [1, 1]), E)), ['m', 'n'])
    return g.build()
  }
}
