import { InferenceSession } from 'onnxruntime-node'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { DeviceMemory } from '../../src/engine/graph/deviceMemory'
import { type DeviceTensor, giveBack } from '../../src/engine/graph/session'
import { symmetricGraph, uploadSymmetric } from '../../src/engine/graph/symmetricUploads'
import { seededRandom } from '../../src/engine/numerics/random'
import { carriedOf, watchBus } from '../helpers/deviceBus'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of symmetric matrices on a device')

function symmetric(n: number): Float32Array {
  const random = seededRandom('symmetric', n)
  const data = new Float32Array(n * n)
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) data[i * n + j] = data[j * n + i] = 2 * random() - 1
  return data
}

afterEach(() => vi.restoreAllMocks())

describe.skipIf(missing !== undefined)('a symmetric matrix on a device', () => {
  // One panel, two, some of which the last is a single row, and eight that do not part it.
  it.each([
    [20, 20 ** 2],
    [64, 32 * 64 + 32 ** 2],
    [97, 32 * (97 + 65 + 33) + 1],
    [700, 88 * (700 + 612 + 524 + 436 + 348 + 260 + 172) + 84 ** 2]
  ])('of %i has every bit, and goes there as what is right of its diagonal', async (n, values) => {
    const data = symmetric(n)
    const bus = watchBus()
    const memory = new DeviceMemory('webgpu')
    const there = (await uploadSymmetric(memory, { data, shape: [n, n] })) as DeviceTensor
    expect(carriedOf(bus.up)).toBe(4 * values)
    expect(there.shape).toEqual([n, n])
    expect((await memory.read(there)).data).toEqual(data)
    giveBack([there])
    await memory.release()
    expect(bus.lying()).toBe(0)
  })

  it('stays what it is where nothing stays on the device', async () => {
    const matrix = { data: symmetric(80), shape: [80, 80] }
    expect(await uploadSymmetric(new DeviceMemory('cpu'), matrix)).toBe(matrix)
  })

  it('is put together by the device alone', async () => {
    const session = await InferenceSession.create(symmetricGraph(700).build(), {
      executionProviders: ['webgpu'],
      extra: { session: { disable_cpu_ep_fallback: '1' } },
      logSeverityLevel: 3
    })
    await session.release()
  })
})
