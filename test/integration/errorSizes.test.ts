import { afterAll, describe, expect, it } from 'vitest'
import { reduceCurvature } from '../../src/engine/curvature/reduceCurvature'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { layerError } from '../../src/engine/methods/layerError'
import { LayerProblem } from '../../src/engine/methods/layerProblem'
import { methodFor } from '../../src/engine/methods/registry'
import { SecondMoment } from '../../src/engine/methods/secondMoment'
import { solveMethod } from '../../src/engine/methods/solveMethod'
import { type Matrix64, toFloat32 } from '../../src/engine/numerics/matrix'
import { METHODS, type MethodName } from '../../src/shared/methods'
import { curvatureOf } from '../helpers/curvatures'
import { layers } from '../helpers/layerProblems'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of small and large errors on a device')
const devices = ['cpu', ...(missing === undefined ? (['webgpu'] as const) : [])] as const

const [RANK, SCALING] = [8, 0.5]
/** Its eigenvectors are searched for; most of its rows are zero. */
const layer = layers[3] as (typeof layers)[number]
const correcting = METHODS.filter((method) => !methodFor(method).neutral)

const times = (factor: number, { data, rows, cols }: Matrix64): Matrix64 => ({
  data: data.map((value) => factor * value),
  rows,
  cols
})

describe.each(devices)('an error whose squares are beyond float32, on %s', (device) => {
  const algebra = new LinearAlgebra(device)
  afterAll(() => algebra.release())

  /** Shares of the loss: what is left with a method's factors, and what could be removed. */
  async function sharesOf(method: MethodName, size: number, energy = 1) {
    const { name } = layer
    const [E, H] = [toFloat32(times(size, layer.E)), times(energy, layer.H)]
    const curvature = await reduceCurvature(algebra, curvatureOf(layer), { seed: 1, name })
    return algebra.holding(async () => {
      const problem = new LayerProblem(algebra, name, E, new SecondMoment(H), { maxRank: RANK, seed: 0, curvature })
      const factors = await solveMethod(problem, methodFor(method), { rank: RANK, scaling: SCALING, iterations: 5 })
      const { loss } = await layerError(problem, factors, SCALING)
      const without = await problem.lossRank0()
      return { left: loss / without, gain: (await problem.exactGain(RANK)) / without }
    })
  }

  it.each(correcting)('is corrected by %s as that of a usual size is', async (method) => {
    const usual = await sharesOf(method, 1)
    expect(usual.left).toBeLessThan(1)
    for (const size of [2 ** -80, 2 ** 64]) {
      const { left, gain } = await sharesOf(method, size)
      // Powers of two change no digit, but of what is as small as 1e-7 of the rest.
      expect(Math.abs(left - usual.left), `${size}`).toBeLessThan(1e-6)
      expect(Math.abs(gain - usual.gain), `${size}`).toBeLessThan(1e-6)
    }
  })

  it('is refused by name where the products are infinite all the same', async () => {
    await expect(sharesOf('exact', 2 ** 64, 2 ** 100)).rejects.toMatchObject({
      code: 'NUMERICS',
      message: expect.stringMatching(
        /^200 × 100, rows of zeros: products with its error, whose entries are of size .+e\+16, /
      )
    })
  })
})
