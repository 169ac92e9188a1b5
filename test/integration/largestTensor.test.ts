import { InferenceSession, type Tensor } from 'onnxruntime-node'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Checkpoint } from '../../src/engine/formats/checkpoint'
import { webgpu as card } from '../../src/engine/graph/devices/webgpu'
import type { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { ModelParts } from '../../src/engine/models/modelParts'
import { ModelWeights } from '../../src/engine/models/modelWeights'
import { readArchitecture } from '../../src/engine/models/registry'
import type { PreparedRun } from '../../src/engine/prepare/preparedRun'
import { familyDirectory } from '../helpers/checkpoints'
import { watchBus } from '../helpers/deviceBus'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of the largest tensor of a device')

const MiB = 2 ** 20

interface Running {
  run(feeds: Record<string, Tensor>, ...rest: unknown[]): Promise<Record<string, Tensor>>
}

// The library's own, whatever cards there were before.
const create = InferenceSession.create.bind(InferenceSession) as (
  model: Uint8Array,
  options: InferenceSession.SessionOptions
) => Promise<unknown>

/**
 * A card, computed by the processor, that has no tensors above some size.
 *
 * @param wrong - the size from which on it says nothing and gives other numbers
 */
function smallCard(largest: number, wrong = Number.POSITIVE_INFINITY): void {
  vi.spyOn(InferenceSession, 'create').mockImplementation((async (
    model: Uint8Array,
    options: InferenceSession.SessionOptions
  ) => {
    if (options.executionProviders?.[0] !== 'webgpu') return create(model, options)
    const session = (await create(model, { ...options, executionProviders: ['cpu'] })) as Running
    const run = session.run.bind(session)
    session.run = async (feeds, ...rest) => {
      const outputs = await run(feeds, ...rest)
      for (const { data } of Object.values(outputs)) {
        const { byteLength } = data as Float32Array
        if (byteLength > largest) throw new Error('[Invalid Buffer (unlabeled)] is invalid due to a previous error.')
        if (byteLength >= wrong) (data as Float32Array).fill(0)
      }
      return outputs
    }
    return session
  }) as unknown as typeof InferenceSession.create)
}

/** A Mixtral whose config says that its experts are as wide as those of the 8x7B. */
async function wideExperts() {
  const checkpoint = await Checkpoint.open(familyDirectory('mixtral'))
  const sizes = { hidden_size: 4096, intermediate_size: 14_336, num_attention_heads: 32, head_dim: 128 }
  const architecture = readArchitecture({ ...checkpoint.config, ...sizes }, 'config.json')
  const weights = new ModelWeights(checkpoint, architecture)
  return { checkpoint, weights, parts: new ModelParts(architecture), linears: [] }
}

// Every test looks for itself.
const fresh = () => import('../../src/engine/graph/largestTensor')

beforeEach(() => vi.resetModules())
afterEach(() => vi.restoreAllMocks())

describe('the largest tensor of a device', () => {
  it.skipIf(missing !== undefined)('is what it was seen to compute, once, and nothing is left there', async () => {
    const { largestTensor, tensorFits } = await fresh()
    const bus = watchBus()
    expect(await tensorFits('webgpu', 128 * MiB)).toBe(true)
    expect(bus.left()).toBe(0) // what every device has is not tried
    expect(await largestTensor('webgpu')).toBe(256 * MiB)
    const tried = bus.left()
    expect(tried).toBeGreaterThan(0)
    expect(bus.lying()).toBe(0)
    expect(await largestTensor('webgpu')).toBe(256 * MiB)
    expect([await tensorFits('webgpu', 256 * MiB), await tensorFits('webgpu', 256 * MiB + 4)]).toEqual([true, false])
    expect(bus.left()).toBe(tried)
  })

  it('is what every device has where more fails, or gives wrong numbers', async () => {
    smallCard(128 * MiB)
    expect(await (await fresh()).largestTensor('webgpu')).toBe(128 * MiB)
    vi.resetModules()
    smallCard(512 * MiB, 200 * MiB)
    const { largestTensor, tensorFits } = await fresh()
    expect(await largestTensor('webgpu')).toBe(128 * MiB)
    expect([await tensorFits('webgpu', 128 * MiB), await tensorFits('webgpu', 129 * MiB)]).toEqual([true, false])
  })

  it('is an error where not even that is computed', async () => {
    smallCard(64 * MiB)
    await expect((await fresh()).largestTensor('webgpu')).rejects.toMatchObject({ code: 'DEVICE' })
    vi.resetModules()
    smallCard(512 * MiB, 100 * MiB)
    await expect((await fresh()).largestTensor('webgpu')).rejects.toThrow('computes wrongly with tensors of 128 MiB')
  })

  it('is not tried on the processor', async () => {
    const create = vi.spyOn(InferenceSession, 'create')
    expect(await (await fresh()).largestTensor('cpu')).toBe(256 * MiB)
    expect(create).not.toHaveBeenCalled()
  })

  it('is shown with the device, and a device that has too little is not available', async () => {
    const limits = [{ name: 'largest tensor', value: 256 * MiB, unit: 'bytes' as const }]
    const report = async (largest: number) => {
      vi.resetModules()
      smallCard(largest)
      const { webgpu: own } = await import('../../src/engine/graph/devices/webgpu')
      vi.spyOn(own, 'facts').mockResolvedValue({ adapters: ['a card'], limits })
      const { listDevices: list } = await import('../../src/engine/graph/devices')
      return (await list()).find(({ name }) => name === 'webgpu')
    }
    expect(await report(512 * MiB)).toMatchObject({ available: true, limits: [{ value: 256 * MiB }] })
    expect(await report(128 * MiB)).toMatchObject({ available: true, limits: [{ value: 128 * MiB }] })
    expect(await report(64 * MiB)).toMatchObject({
      available: false,
      reason: expect.stringContaining('Invalid Buffer')
    })
    expect(card.keepsTensors).toBe(true)
  })

  it('parts the products of a device into tensors that it has', async () => {
    smallCard(128 * MiB)
    const { LinearAlgebra: Algebra } = await import('../../src/engine/graph/linearAlgebra')
    const algebra: LinearAlgebra = new Algebra('webgpu')
    const [rows, cols] = [9000, 4200] // 144 MiB
    const column = { data: Float32Array.from({ length: rows }, (_, i) => i % 1021), rows, cols: 1 }
    const row = { data: Float32Array.from({ length: cols }, (_, i) => i % 1013), rows: 1, cols }
    const { data } = await algebra.gemm32(column, row)
    await algebra.release()
    const places = [0, 1234, rows * cols - 1, 8999 * cols + 77, 8000 * cols + 4199]
    expect(places.map((at) => data[at])).toEqual(
      places.map((at) => (Math.floor(at / cols) % 1021) * ((at % cols) % 1013))
    )
  })

  it('is what graphs of blocks and rows of a weight are parted for, where they would make a larger one', async () => {
    const limitOf = async (largest: number, inputs: number[], heads: number, device: 'cpu' | 'webgpu' = 'webgpu') => {
      vi.resetModules()
      smallCard(largest)
      const { graphLimit } = await import('../../src/engine/models/graphLimit')
      const linears = [{ outFeatures: 8 }]
      const block = { inputs: () => inputs, linears: () => linears, attentionHeads: () => heads }
      return graphLimit({ ...block, architecture: { blocks: 1 } } as unknown as ModelParts, 512, device)
    }
    // Half of 11,584 squared is just below what every device has, of 11,616 above.
    expect(await limitOf(0, [11_584], 31)).toBe(256 * MiB)
    expect(await limitOf(128 * MiB, [11_616], 0)).toBe(128 * MiB)
    expect(await limitOf(128 * MiB, [8], 32)).toBe(128 * MiB) // four rows of 512 by 513 for each head
    expect(await limitOf(512 * MiB, [16_384], 64)).toBe(256 * MiB)
    expect(await limitOf(0, [16_384], 64, 'cpu')).toBe(256 * MiB)
    vi.resetModules()
    smallCard(128 * MiB)
    const { rowsTogether } = await import('../../src/engine/graph/deviceRows')
    const { DeviceMemory: Memory } = await import('../../src/engine/graph/deviceMemory')
    const memory = new Memory('webgpu')
    expect(await rowsTogether(memory, { rows: 40_000, cols: 1024 }, 64)).toBe(32 * 1024)
    expect(await rowsTogether(memory, { rows: 40_000, cols: 768 }, 64)).toBe(40_000)
  })

  it('is less than a weight of a run: the run is refused with the name of the linear', async () => {
    const linears = [
      { path: 'model.layers.0.q', outFeatures: 8, inFeatures: 8 },
      { path: 'model.layers.0.up', outFeatures: 11008, inFeatures: 4096 }
    ]
    const parts = { architecture: { blocks: 1 }, experts: () => undefined }
    const assertOn = async (device: string, largest: number, own: object = { linears, parts }) => {
      vi.resetModules()
      smallCard(largest)
      const { assertWeightsFit } = await import('../../src/engine/run/weightsFit')
      await assertWeightsFit({ recipe: { device }, ...own } as unknown as PreparedRun)
    }
    await expect(assertOn('webgpu', 128 * MiB)).rejects.toThrow(
      'device webgpu: model.layers.0.up.weight takes 172 MiB in float32, the largest tensor here is 128 MiB'
    )
    await assertOn('webgpu', 512 * MiB)
    await assertOn('cpu', 0)
    const { checkpoint, ...experts } = await wideExperts()
    await expect(assertOn('webgpu', 128 * MiB, experts)).rejects.toThrow(
      'device webgpu: an expert of model.layers.0.block_sparse_moe.experts.0.w1.weight takes 224 MiB in float32, ' +
        'the largest tensor here is 128 MiB'
    )
    await assertOn('webgpu', 512 * MiB, experts)
    await assertOn('cpu', 0, experts)
    await checkpoint.close()
  })
})
