import { afterEach, describe, expect, it, vi } from 'vitest'
import { DeviceMemory } from '../../src/engine/graph/deviceMemory'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { type DeviceTensor, giveBack } from '../../src/engine/graph/session'
import { energyThere } from '../../src/engine/methods/energyThere'
import { SecondMoment } from '../../src/engine/methods/secondMoment'
import type { BlockWeights } from '../../src/engine/models/blockWeights'
import { innerProduct, LateMatrix, toFloat32, toFloat64 } from '../../src/engine/numerics/matrix'
import { hiddenStates, openAdaptedBlocks } from '../helpers/adaptedBlock'
import { farthest, momentsOfBatches } from '../helpers/batchMoments'
import { familyDirectory } from '../helpers/checkpoints'
import { carriedOf, isThere, watchBus, watchGraphs, watchUploads } from '../helpers/deviceBus'
import { problemOf } from '../helpers/layerProblems'
import { gaussianMatrix, matrixOf } from '../helpers/matrices'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of the memory of a device')

const linearBytes = ({ linears }: BlockWeights): number =>
  [...(linears as ReadonlyMap<string, Float32Array>).values()].reduce((sum, { byteLength }) => sum + byteLength, 0)

/** Bytes that are carried to the device, from now on. */
function upward(): () => number {
  const { up } = watchBus()
  return () => carriedOf(up)
}

afterEach(() => vi.restoreAllMocks())

describe.skipIf(missing !== undefined)('the memory of a device', () => {
  it('has the weights of a block from the second batch on, and those of the next one in their place', async () => {
    const opened = await openAdaptedBlocks(familyDirectory('llama'), { device: 'webgpu', context: 8, rank: 4 })
    const { architecture, context, runner } = opened
    const hidden = hiddenStates(architecture, context, 0)
    const real = new Float32Array(2 * context).fill(1)
    const blocks = [await opened.adapted(0), await opened.adapted(1)] as const
    const uploads = watchUploads()
    const carried = upward()
    const bytesOf = async (block: 0 | 1): Promise<[number, Float32Array]> => {
      const before = carried()
      const next = await runner.forward(block, hidden, real, blocks[block])
      return [carried() - before, next]
    }
    const [first, firstStates] = await bytesOf(0)
    const weights = linearBytes(blocks[0])
    expect((await bytesOf(0))[0]).toBe(first)
    const [third, thirdStates] = await bytesOf(0)
    expect(third).toBe(first - weights)
    expect(thirdStates).toEqual(firstStates)
    expect(uploads.length).toBe(blocks[0].linears.size)
    expect(uploads.every(isThere)).toBe(true)
    // Another block with arrays of the same shapes, and back: each time the weights that are asked for.
    const [, other] = await bytesOf(1)
    expect(uploads.some(isThere)).toBe(false)
    expect(other).not.toEqual(firstStates)
    expect((await bytesOf(1))[1]).toEqual(other)
    expect((await bytesOf(0))[1]).toEqual(firstStates)
    await opened.close()
    expect(uploads.some(isThere)).toBe(false)
  })

  it('has the weights of a block from the first batch on where they are carried, for every stream', async () => {
    const opened = await openAdaptedBlocks(familyDirectory('llama'), { device: 'webgpu', context: 8, rank: 4 })
    const { architecture, context, runner } = opened
    const hidden = hiddenStates(architecture, context, 0)
    const real = new Float32Array(2 * context).fill(1)
    const weights = await opened.adapted(0)
    const expected = await runner.forward(0, hidden, real, weights)
    const uploads = watchUploads()
    const there = await runner.carried(0, weights)
    expect(uploads.length).toBe(weights.linears.size)
    const carried = upward()
    for (const _ of [1, 2]) expect(await runner.forward(0, hidden, real, there)).toEqual(expected)
    // Other weights in between: those that are carried are their owner's.
    const whole = carried()
    await runner.forward(0, hidden, real, weights)
    expect(carried() - whole).toBe(whole / 2 + linearBytes(weights))
    expect(await runner.forward(0, hidden, real, there)).toEqual(expected)
    expect(uploads.every(isThere)).toBe(true)
    for (const _ of [1, 2]) giveBack(there.linears.values())
    expect(uploads.some(isThere)).toBe(false)
    await opened.close()
  })

  it('has the adapters of a block, for the batches that are computed with them', async () => {
    const opened = await openAdaptedBlocks(familyDirectory('llama'), { device: 'webgpu', context: 8, rank: 4 })
    const { architecture, context, runner } = opened
    const hidden = hiddenStates(architecture, context, 0)
    const real = new Float32Array(2 * context).fill(1)
    const weights = await opened.adapted(0)
    const uploads = watchUploads()
    const there = await runner.carriedAdapters(weights)
    expect(uploads.length).toBe(2 * weights.linears.size)
    const carried = upward()
    const found = await runner.forward(0, hidden, real, there)
    const bytes = carried()
    expect(await runner.forward(0, hidden, real, { ...weights, linears: new Map(weights.linears) })).toEqual(found)
    const adapters = [...(weights.adapters?.values() ?? [])].flatMap(({ A, B }) => [A, B])
    const ofAdapters = adapters.reduce((sum, { data }) => sum + data.byteLength, 0)
    expect(carried() - bytes - bytes).toBe(ofAdapters)
    expect(uploads.every(isThere)).toBe(true)
    giveBack(Object.values(there.adaptersThere ?? {}))
    expect(uploads.some(isThere)).toBe(false)
    const { adapters: _, ...plain } = weights
    expect(await runner.carriedAdapters(plain)).toBe(plain)
    await opened.close()
  })

  it('adds up the Gram matrices of a block there, and gives them once for several batches', async () => {
    const cpu = await momentsOfBatches('cpu', { together: false })
    const sum = vi.spyOn(DeviceMemory.prototype, 'sum')
    for (const interrupted of [0, 3]) {
      const own = await momentsOfBatches('webgpu', { interrupted })
      expect(own.given).toEqual([7, 10])
      // Eight float32 sums, and states that differ by some units in the last place.
      for (const [input, H] of cpu.H.entries()) expect(farthest(own.H[input], H)).toBeLessThan(3e-6)
    }
    expect(sum).toHaveBeenCalled()
    for (const [first, second] of sum.mock.calls) expect([first, second].some(isThere)).toBe(false)
  })

  it('has error and second moment of a linear while it is solved, and what is found is the same', async () => {
    const [m, n, maxRank] = [192, 160, 6]
    const E = gaussianMatrix(m, n, 'kept')
    const H = matrixOf(n, n, (i, j) => (i === j ? 1 / (1 + i) : 0))
    const solved = async (held: boolean) => {
      const algebra = new LinearAlgebra('webgpu')
      const uploads = watchUploads()
      const carried = upward()
      const work = () => problemOf(algebra, { name: 'kept', E, H }, { maxRank }).eigen('full')
      const { values } = await (held ? algebra.holding(work) : work())
      await algebra.release()
      vi.restoreAllMocks()
      return { values, bytes: carried(), uploads }
    }
    const [own, kept] = [await solved(false), await solved(true)]
    expect(kept.values).toEqual(own.values)
    // E and H, once each; without, they go there for each of some twenty products.
    expect(own.uploads).toEqual([])
    expect(kept.uploads.length).toBe(2)
    expect(kept.uploads.some(isThere)).toBe(false)
    const constant = 4 * (m * n + n * n)
    expect(own.bytes - kept.bytes).toBeGreaterThan(constant)
  })

  it('gives zeros in the shape of a matrix, whatever is in that', async () => {
    const memory = new DeviceMemory('webgpu')
    const values = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1, -1)
    const matrix = (await memory.upload({ data: values, shape: [2, 3] })) as DeviceTensor
    const zeros = await memory.zeros(matrix)
    expect(await memory.read(zeros)).toEqual({ data: new Float32Array(6), shape: [2, 3] })
    giveBack([matrix, zeros])
    await memory.release()
  })

  // Rows that part into sums of 64, of 50 and of none, and a channel with nearly all the energy; some rows at a time.
  it.each([
    [96, 128, undefined],
    [40, 150, undefined],
    [33, 67, undefined],
    [33, 67, 10 * 67 * 4]
  ])('sums the energy of a matrix [%i, %i] there, as float64 does', async (m, n, largest) => {
    const M = toFloat32(gaussianMatrix(m, n, 'energy'))
    const H = matrixOf(n, n, (i, j) =>
      i === j ? (i === 3 ? 2 ** 20 * (1 + 2 ** -24.1) : 1 / (1 + i)) : 0.01 / (1 + i + j)
    )
    const algebra = new LinearAlgebra('webgpu')
    const carried = upward()
    const found = await algebra.holding(() => energyThere(algebra, algebra.keep(M), new SecondMoment(H), largest))
    const MH = await algebra.gemm64(toFloat64(M), H)
    await algebra.release()
    // Products of float32 that are off in random directions; what H in float32 lacks of the large channel alone is 5.5e-8.
    expect(Math.abs((found as number) / innerProduct(MH.data, M.data) - 1)).toBeLessThan(4e-8)
    expect(carried()).toBeGreaterThanOrEqual(4 * (m * n + n * n))
  })

  it('gives Gram matrices alone where nobody takes the next states, which then do not come back', async () => {
    const opened = await openAdaptedBlocks(familyDirectory('llama'), { device: 'webgpu', context: 8, rank: 4 })
    const { architecture, context, runner } = opened
    const { adapters: _, ...weights } = await opened.adapted(0)
    const [hidden, mask] = [hiddenStates(architecture, context, 0), new Float32Array(2 * context).fill(1)]
    const bus = watchBus()
    const { grams, next } = await runner.forwardWithGrams(0, hidden, mask, weights)
    expect(carriedOf(bus.down, 'next')).toBe(next.byteLength)
    expect(await runner.grams(0, hidden, mask, weights)).toEqual(grams)
    expect(grams.length).toBeGreaterThan(0)
    expect(carriedOf(bus.down, 'next')).toBe(next.byteLength)
    await opened.close()
    expect(bus.lying()).toBe(0)
  })

  it('leaves nothing there where it is lost at any call of a second batch', async () => {
    let calls = Number.POSITIVE_INFINITY
    const bus = watchBus(() => {
      if (--calls < 0) throw new Error('Device was lost')
    })
    const outcomes: string[] = []
    for (let until = 0; outcomes.at(-1) !== 'done'; until++) {
      const opened = await openAdaptedBlocks(familyDirectory('llama'), { device: 'webgpu', context: 8, rank: 4 })
      const { architecture, context, runner } = opened
      const { adapters: _, ...weights } = await opened.adapted(0)
      const [hidden, mask] = [hiddenStates(architecture, context, 0), new Float32Array(2 * context).fill(1)]
      await runner.grams(0, hidden, mask, weights, true)
      calls = until
      const second = runner.grams(0, hidden, mask, weights, true)
      outcomes.push(
        await second.then(
          () => 'done',
          ({ code }) => code
        )
      )
      calls = Number.POSITIVE_INFINITY
      await opened.close()
      expect(bus.lying(), `lost after ${until} calls`).toBe(0)
    }
    // Weights, the block, and a sum of each of its Gram matrices.
    expect(outcomes.length).toBeGreaterThan(7)
    expect(new Set(outcomes)).toEqual(new Set(['DEVICE', 'done']))
  })

  it('sums it by rows that are cut out there, where the matrix lies there and is larger than a tensor', async () => {
    const [m, n] = [33, 67]
    const M = toFloat32(gaussianMatrix(m, n, 'energy'))
    const H = matrixOf(n, n, (i, j) => (i === j ? 1 : 0.01 / (1 + i + j)))
    const algebra = new LinearAlgebra('webgpu')
    const bus = watchBus()
    const { left } = watchGraphs()
    const found = await algebra.holding(async () => {
      const lies = (await algebra.held?.upload({ data: M.data, shape: [m, n] })) as DeviceTensor
      const late = new LateMatrix(m, n, () => {
        throw new Error('its values are not needed here')
      })
      return energyThere(algebra, algebra.adopt(late, lies), new SecondMoment(H), 10 * n * 4)
    })
    const MH = await algebra.gemm64(toFloat64(M), H)
    await algebra.release()
    // As above.
    expect(Math.abs((found as number) / innerProduct(MH.data, M.data) - 1)).toBeLessThan(4e-8)
    // M and H, and where each part begins and ends.
    expect(carriedOf(bus.up)).toBe(4 * (m * n + n * n) + 4 * 16)
    expect(left.length).toBeGreaterThan(4)
    expect(left.filter(({ tensor }) => isThere(tensor))).toEqual([])
  })

  it('gives back what it held where the work fails', async () => {
    const algebra = new LinearAlgebra('webgpu')
    const uploads = watchUploads()
    const matrix = toFloat32(gaussianMatrix(8, 8, 'failing'))
    const work = async () => {
      await algebra.gemm32(algebra.keep(matrix), matrix)
      throw new Error('the work failed')
    }
    await expect(algebra.holding(work)).rejects.toThrow('the work failed')
    expect(uploads.length).toBe(1)
    expect(uploads.some(isThere)).toBe(false)
    await algebra.release()
  })
})
