import { afterAll, describe, expect, it } from 'vitest'
import { reduceCurvature } from '../../../../src/engine/curvature/reduceCurvature'
import { LinearAlgebra } from '../../../../src/engine/graph/linearAlgebra'
import { OutputCurvature } from '../../../../src/engine/methods/outputCurvature'
import { methodFor } from '../../../../src/engine/methods/registry'
import { solveMethod } from '../../../../src/engine/methods/solveMethod'
import { identity64, type Matrix64, toFloat32 } from '../../../../src/engine/numerics/matrix'
import { symmetricEigen } from '../../../../src/engine/numerics/symmetricEigen'
import { curvatureOf, dense, rootOf, weighedLoss } from '../../../helpers/curvatures'
import { layers, problemOf, residualOf, type TestLayer } from '../../../helpers/layerProblems'
import { allFinite, entry, largest, lossOf, matrixOf, minus, product, transpose } from '../../../helpers/matrices'

const RANK = 8
const SCALING = 0.5
const algebra = new LinearAlgebra('cpu')
afterAll(() => algebra.release())

const kfac = (layer: TestLayer, curvature: OutputCurvature) =>
  solveMethod(problemOf(algebra, layer, { curvature, maxRank: RANK }), methodFor('kfac'), {
    rank: RANK,
    scaling: SCALING,
    iterations: 0
  })

describe.each(layers)('kfac on a layer of $name', (layer) => {
  const G = curvatureOf(layer)
  const reduced = reduceCurvature(algebra, G, { seed: 1, name: layer.name })

  it('is the best correction of its rank where outputs are weighed', async () => {
    const curvature = await reduced
    const weights = dense(curvature)
    const R = residualOf(layer, await kfac(layer, curvature), SCALING)
    const E = product(rootOf(weights), layer.E)
    const spectrum = symmetricEigen(product(product(E, layer.H), transpose(E))).values
    const optimum = spectrum.subarray(RANK).reduce((sum, value) => sum + Math.max(0, value), 0)
    const without = weighedLoss(weights, layer.E, layer.H)
    // Weighed with float32 products, and searched until the gain stands still to 1e-7 of itself.
    expect(Math.abs(weighedLoss(weights, R, layer.H) - optimum)).toBeLessThan(1e-6 * without)
    expect(optimum).toBeLessThan(0.9 * without)
  })

  it('leaves less of what counts than exact does', async () => {
    const R = residualOf(layer, await kfac(layer, await reduced), SCALING)
    const options = { rank: RANK, scaling: SCALING, iterations: 0 }
    const exact = await solveMethod(problemOf(algebra, layer, { maxRank: RANK }), methodFor('exact'), options)
    const other = residualOf(layer, exact, SCALING)
    expect(weighedLoss(G, R, layer.H)).toBeLessThan(weighedLoss(G, other, layer.H))
    expect(lossOf(R, layer.H)).toBeGreaterThan(lossOf(other, layer.H))
  })

  it('is exact where all outputs count alike', async () => {
    const size = layer.E.rows
    const flat = new OutputCurvature(toFloat32(matrixOf(size, 0, () => 0)), new Float64Array(0), 0.3)
    const options = { rank: RANK, scaling: SCALING, iterations: 0 }
    const exact = await solveMethod(problemOf(algebra, layer, { maxRank: RANK }), methodFor('exact'), options)
    const [own, other] = [await kfac(layer, flat), exact].map((factors) => residualOf(layer, factors, SCALING))
    const [loss, expected] = [lossOf(own as Matrix64, layer.H), lossOf(other as Matrix64, layer.H)]
    expect(Math.abs(loss - expected)).toBeLessThan(1e-6 * lossOf(layer.E, layer.H))
  })
})

describe('the curvature that is kept', () => {
  const layer = layers[0] as TestLayer // 300 outputs, more than are kept
  const G = curvatureOf(layer)

  it('has the trace of G with a hundredth more, and its leading directions', async () => {
    const found = dense(await reduceCurvature(algebra, G, { seed: 1, name: 'kept' }))
    const trace = (of: Matrix64) =>
      Array.from({ length: of.rows }, (_, i) => entry(of, i, i)).reduce((a, b) => a + b, 0)
    expect(Math.abs(trace(found) / trace(G) - 1.01)).toBeLessThan(1e-6)
    const top = symmetricEigen(G).values[0] as number
    expect(symmetricEigen(found).values[0]).toBeCloseTo(top + (0.01 * trace(G)) / G.rows, 4)
  })

  it('counts all outputs alike where nothing depends on them', async () => {
    const nothing = await reduceCurvature(
      algebra,
      matrixOf(40, 40, () => 0),
      { seed: 1, name: 'nothing' }
    )
    expect(minus(dense(nothing), identity64(40)).data.every((value) => value === 0)).toBe(true)
  })

  it('is refused where a gradient is not finite, rather than counting all outputs alike', async () => {
    const broken = matrixOf(40, 40, (i, j) => (i === 3 && j === 3 ? Number.NaN : 1))
    await expect(reduceCurvature(algebra, broken, { seed: 1, name: 'q_proj' })).rejects.toMatchObject({
      code: 'NUMERICS',
      message: expect.stringContaining('q_proj: gradients at its outputs are not finite')
    })
  })

  it('gives finite factors of outputs that matter a million times more than others', async () => {
    const steep = matrixOf(300, 300, (i, j) => (i === j ? 10 ** (-i / 25) : 0))
    const { loraA, loraB } = await kfac(layer, await reduceCurvature(algebra, steep, { seed: 1, name: 'steep' }))
    expect(allFinite(loraA) && allFinite(loraB) && largest(loraB) > 0).toBe(true)
  })
})
