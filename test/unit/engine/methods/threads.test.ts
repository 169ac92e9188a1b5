import { afterEach, expect, it, vi } from 'vitest'
import { LinearAlgebra } from '../../../../src/engine/graph/linearAlgebra'
import { projectionFactors } from '../../../../src/engine/methods/factors'
import { LayerProblem } from '../../../../src/engine/methods/layerProblem'
import { methodFor } from '../../../../src/engine/methods/registry'
import { SecondMoment } from '../../../../src/engine/methods/secondMoment'
import { type Matrix64, toFloat32 } from '../../../../src/engine/numerics/matrix'
import { gaussianMatrix, transpose } from '../../../helpers/matrices'

afterEach(() => vi.unstubAllEnvs())

// Large enough for the library to part every product among its threads.
const [OUT, IN, RANK] = [500, 480, 16]

async function factorsWith(threads: number, E: Matrix64, H: Matrix64): Promise<Float32Array[]> {
  vi.stubEnv('QUAIL_THREADS', `${threads}`)
  const algebra = new LinearAlgebra('cpu')
  const problem = new LayerProblem(algebra, 'threads', toFloat32(E), new SecondMoment(H), { maxRank: RANK, seed: 0 })
  const found: Float32Array[] = []
  for (const method of ['svd', 'quailora', 'exact'] as const) {
    const U = await methodFor(method).basis(problem, { rank: RANK, iterations: 20 })
    const { loraA, loraB } = await projectionFactors(problem, U, { rank: RANK, scaling: 1 })
    found.push(loraA.data, loraB.data, Float32Array.of(await problem.lossRank0()))
  }
  await algebra.release()
  return found
}

it('factors have the same bits whatever the number of threads', async () => {
  const E = gaussianMatrix(OUT, IN, 'E')
  const X = gaussianMatrix(IN, 80, 'X')
  const falling = { ...X, data: X.data.map((value, at) => value / Math.sqrt(1 + (at % 80))) }
  const algebra = new LinearAlgebra('cpu')
  const H = await algebra.gemm64(falling, falling, { transB: true })
  await algebra.release()
  const one = await factorsWith(1, E, H)
  for (const threads of [2, 5]) expect(await factorsWith(threads, E, H)).toEqual(one)
})

/** Rows, columns and summands of products that the library parts in narrow shares: few rows or columns, or as many of both. */
const NARROW = [
  [64, 512, 512],
  [5, 300, 1000],
  [16, 64, 2000],
  [16, 16, 5000],
  [20, 16, 5000],
  [33, 517, 129],
  [1, 64, 512],
  [130, 16, 5000]
] as const

it.each(NARROW)(
  'a product [%i, %i] of %i summands has the same bits whatever the number of threads',
  async (m, n, k) => {
    const [A, B] = [gaussianMatrix(m, k, 'A'), gaussianMatrix(k, n, 'B')]
    const products = async (threads: number) => {
      vi.stubEnv('QUAIL_THREADS', `${threads}`)
      const algebra = new LinearAlgebra('cpu')
      const found = [await algebra.gemm32(toFloat32(A), toFloat32(B)), await algebra.gemm64(A, B)]
      const transposes = await algebra.gemm32(toFloat32(A), toFloat32(transpose(B)), { transB: true })
      await algebra.release()
      return [...found, transposes]
    }
    const one = await products(1)
    for (const threads of [2, 7, 16]) expect(await products(threads)).toEqual(one)
  }
)
