import { afterAll, describe, expect, it } from 'vitest'
import { LinearAlgebra } from '../../../../src/engine/graph/linearAlgebra'
import { roundFactors } from '../../../../src/engine/methods/factors'
import { layerError } from '../../../../src/engine/methods/layerError'
import type { LayerProblem } from '../../../../src/engine/methods/layerProblem'
import { toFloat32, toFloat64 } from '../../../../src/engine/numerics/matrix'
import { emptyLayers, factorsOf, layers, problemOf, residualOf, type TestLayer } from '../../../helpers/layerProblems'
import { gaussianMatrix, lossOf, matrixOf, norm, product } from '../../../helpers/matrices'

const algebra = new LinearAlgebra('cpu')
afterAll(() => algebra.release())

/** Both errors from E − s · B · A itself, by plain loops. */
function direct(layer: TestLayer, factors: Awaited<ReturnType<typeof factorsOf>>, scaling: number) {
  const R = residualOf(layer, factors, scaling)
  return { loss: lossOf(R, layer.H), frobenius: norm(R) ** 2 }
}

const near = (found: number, expected: number, tolerance: number): void => {
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(tolerance * Math.abs(expected))
}

describe('the error of a layer', () => {
  it.each([...layers, ...emptyLayers])('is that of a direct evaluation on $name', async (layer) => {
    const problem = problemOf(algebra, layer)
    for (const method of ['zero', 'quailora'] as const) {
      const factors = await factorsOf(problem, method, { scaling: 0.25 })
      const [found, expected] = [await layerError(problem, factors, 0.25), direct(layer, factors, 0.25)]
      // Float64 terms of the size of the error without adapter cancel to no less than 1e-5 of it: 1e-16 / 1e-5.
      near(found.loss, expected.loss, 1e-10)
      near(found.frobenius, expected.frobenius, 1e-10)
    }
  })

  it('keeps its digits where nearly everything cancels', async () => {
    const [left, right] = [gaussianMatrix(60, 4, 'left'), gaussianMatrix(4, 50, 'right')]
    const base = layers[3] as TestLayer
    const layer: TestLayer = {
      name: 'rank four',
      E: product(left, right),
      H: matrixOf(50, 50, (i, j) => base.H.data[i * 100 + j] as number)
    }
    const problem = problemOf(algebra, layer)
    const factors = await factorsOf(problem, 'exact', { rank: 8 })
    const [found, expected] = [await layerError(problem, factors, 1), direct(layer, factors, 1)]
    expect(expected.loss).toBeLessThan(1e-10 * lossOf(layer.E, layer.H)) // only the rounding of the factors is left
    near(found.loss, expected.loss, 1e-6)
    near(found.frobenius, expected.frobenius, 1e-6)
  })

  it('of a large linear is in float32 what it is in float64, also where one channel has nearly all the energy', async () => {
    const [m, n] = [530, 520]
    const X = gaussianMatrix(n, 60, 'inputs')
    const loud = { ...X, data: X.data.map((value, at) => (at < X.cols ? 300 * value : value)) }
    const H = await algebra.gemm64(loud, loud, { transB: true })
    const E = toFloat32(gaussianMatrix(m, n, 'large'))
    const [large, reference] = (['float32', 'float64'] as const).map((precision) =>
      problemOf(algebra, { name: 'large', E: toFloat64(E), H }, { precision, maxRank: 4 })
    ) as [LayerProblem, LayerProblem]
    expect([large.inFloat32, reference.inFloat32]).toEqual([true, false])
    for (const method of ['svd', 'exact'] as const) {
      const factors = await factorsOf(large, method, { rank: 4, scaling: 2 })
      const [found, expected] = [await layerError(large, factors, 2), await layerError(reference, factors, 2)]
      const rank0 = await reference.lossRank0()
      const removed = 1 - expected.loss / rank0
      expect(removed).toBeGreaterThan(method === 'exact' ? 0.99 : 0)
      // 6e-8 is float32's rounding; of the loud channel's terms, which do not average out, a part of it is left.
      near(found.loss - expected.loss + rank0, rank0, 3e-8)
      near(found.frobenius, expected.frobenius, 1e-8)
    }
  })

  it('takes factors that make everything worse', async () => {
    const layer = layers[0] as TestLayer
    const problem = problemOf(algebra, layer)
    const factors = await factorsOf(problem, 'svd', { scaling: 1 })
    near((await layerError(problem, factors, -5)).loss, direct(layer, factors, -5).loss, 1e-10)
  })

  it.each(['bfloat16', 'float16'] as const)('is that of the factors as rounded to %s', async (dtype) => {
    const layer = layers[1] as TestLayer
    const problem = problemOf(algebra, layer)
    const computed = await factorsOf(problem, 'exact', { scaling: 0.25 })
    const rounded = roundFactors(computed, dtype)
    const { loss } = await layerError(problem, rounded, 0.25)
    near(loss, direct(layer, rounded, 0.25).loss, 1e-10)
    expect(loss).toBeGreaterThan((await layerError(problem, computed, 0.25)).loss)
  })
})
