import { afterEach, expect, it, vi } from 'vitest'
import { LinearAlgebra } from '../../../../src/engine/graph/linearAlgebra'
import { projectionFactors } from '../../../../src/engine/methods/factors'
import { LayerProblem } from '../../../../src/engine/methods/layerProblem'
import { methodFor } from '../../../../src/engine/methods/registry'
import { SecondMoment } from '../../../../src/engine/methods/secondMoment'
import { type Matrix64, toFloat32 } from '../../../../src/engine/numerics/matrix'
import { gaussianMatrix } from '../../../helpers/matrices'

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
