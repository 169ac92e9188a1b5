import { InferenceSession } from 'onnxruntime-node'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { reduceCurvature } from '../../src/engine/curvature/reduceCurvature'
import { DeviceMemory } from '../../src/engine/graph/deviceMemory'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { LayerProblem } from '../../src/engine/methods/layerProblem'
import { OutputCurvature } from '../../src/engine/methods/outputCurvature'
import { methodFor } from '../../src/engine/methods/registry'
import { SecondMoment } from '../../src/engine/methods/secondMoment'
import { solveMethod } from '../../src/engine/methods/solveMethod'
import { WEIGH } from '../../src/engine/methods/weighThere'
import { toFloat32, toFloat64 } from '../../src/engine/numerics/matrix'
import { symmetricEigen } from '../../src/engine/numerics/symmetricEigen'
import { curvatureOf, dense, rootOf, weighedLoss } from '../helpers/curvatures'
import { carriedOf, isThere, watchBus, watchGraphs } from '../helpers/deviceBus'
import { layers, residualOf, type TestLayer } from '../helpers/layerProblems'
import { matrixOf, product, transpose } from '../helpers/matrices'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of errors that are weighed on a device')

const [RANK, SCALING] = [8, 0.5]
const here = new LinearAlgebra('cpu')
afterAll(() => here.release())
afterEach(() => vi.restoreAllMocks())

/** With E as float32 holds it. */
const rounded = (layer: TestLayer): TestLayer => ({ ...layer, E: toFloat64(toFloat32(layer.E)) })

/** What kfac finds on a device, what went over the bus for it, and what lies there afterwards. */
async function solved({ name, E, H }: TestLayer, curvature: OutputCurvature) {
  const algebra = new LinearAlgebra('webgpu')
  const options = { rank: RANK, scaling: SCALING, iterations: 0 }
  const bus = watchBus()
  const { computed, left } = watchGraphs()
  const factors = await algebra.holding(() => {
    const problem = new LayerProblem(algebra, name, toFloat32(E), new SecondMoment(H), {
      ...{ maxRank: RANK, seed: 0 },
      curvature
    })
    return solveMethod(problem, methodFor('kfac'), options)
  })
  await algebra.release()
  const weighed = computed.filter(({ graph }) => graph === WEIGH.name).length
  return { factors, bus, weighed, lying: left.filter(({ tensor }) => isThere(tensor)).length }
}

const curvatureOfOutputs = (layer: TestLayer) =>
  reduceCurvature(here, curvatureOf(layer), { seed: 1, name: layer.name })

/** How far what is left is from the least that a correction of that rank leaves, of what is left without one. */
async function excess(layer: TestLayer, curvature: OutputCurvature, found: ReturnType<typeof solved>) {
  const weights = dense(curvature)
  const E = product(rootOf(weights), layer.E)
  const spectrum = symmetricEigen(product(product(E, layer.H), transpose(E))).values
  const optimum = spectrum.subarray(RANK).reduce((sum, value) => sum + Math.max(0, value), 0)
  const R = residualOf(layer, (await found).factors, SCALING)
  return (weighedLoss(weights, R, layer.H) - optimum) / weighedLoss(weights, layer.E, layer.H)
}

describe.skipIf(missing !== undefined)('an error that outputs weigh, on a device', () => {
  it.each(layers)('leads to the best correction: $name', async (own) => {
    const layer = rounded(own)
    const curvature = await curvatureOfOutputs(layer)
    const found = solved(layer, curvature)
    // As on the processor: products of float32, and a search until the gain stands still to 1e-7 of itself.
    expect(Math.abs(await excess(layer, curvature, found))).toBeLessThan(1e-6)
    const { weighed, lying } = await found
    expect([weighed, lying]).toEqual([1, 0])
  })

  it('is made there of the error that lies there, and does not come back', async () => {
    const layer = rounded(layers[0] as TestLayer)
    const { E, H } = layer
    const { bus } = await solved(layer, await curvatureOfOutputs(layer))
    expect(carriedOf(bus.up, 'first')).toBe(4 * (E.data.length + H.data.length))
    expect([...bus.down.keys()]).toEqual(['image'])
  })

  it.each(['it is larger than a tensor', 'all outputs count alike'])('is made here where %s', async (why) => {
    const layer = rounded(layers[0] as TestLayer)
    const { rows } = layer.E
    const flat = new OutputCurvature(toFloat32(matrixOf(rows, 0, () => 0)), new Float64Array(0), 0.3)
    const isLarge = why === 'it is larger than a tensor'
    if (isLarge) vi.spyOn(DeviceMemory.prototype, 'tensorLimit', 'get').mockReturnValue(4 * layer.E.data.length - 1)
    const curvature = isLarge ? await curvatureOfOutputs(layer) : flat
    const found = solved(layer, curvature)
    // As above.
    expect(Math.abs(await excess(layer, curvature, found))).toBeLessThan(1e-6)
    const { weighed, lying } = await found
    expect([weighed, lying]).toEqual([0, 0])
  })

  it('is computed by the device alone', async () => {
    const session = await InferenceSession.create(WEIGH.build(), {
      executionProviders: ['webgpu'],
      extra: { session: { disable_cpu_ep_fallback: '1' } },
      logSeverityLevel: 3
    })
    await session.release()
  })
})
