import { copyFileSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { Checkpoint } from '../../src/engine/formats/checkpoint'
import { float32ToBfloat16 } from '../../src/engine/formats/dtypes'
import { DeviceMemory } from '../../src/engine/graph/deviceMemory'
import { webgpu as card } from '../../src/engine/graph/devices/webgpu'
import { stateSize } from '../../src/engine/models/architecture'
import { BlockRunner } from '../../src/engine/models/blockRunner'
import { type BlockWeights, readBlockWeights } from '../../src/engine/models/blockWeights'
import type { ExpertsSpec } from '../../src/engine/models/experts'
import { ExpertsThere } from '../../src/engine/models/expertsThere'
import type { Asked, ReadExpert } from '../../src/engine/models/expertWeights'
import { expertBytes } from '../../src/engine/models/keptExperts'
import { ModelParts } from '../../src/engine/models/modelParts'
import { ModelWeights } from '../../src/engine/models/modelWeights'
import { readArchitecture } from '../../src/engine/models/registry'
import { uniform } from '../helpers/adaptedBlock'
import { characterModel } from '../helpers/characterModel'
import { copyCheckpoint, familyDirectory, tensorsOf } from '../helpers/checkpoints'
import { type Bus, carriedOf, watchBus } from '../helpers/deviceBus'
import { adapterDigests, finishedOf, makeRun, runToEnd } from '../helpers/runs'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of experts on a device')

const TOKENS = 16
const BATCHES = [0, 1, 2]
/** More experts than there are. */
const ALL = 1000
/** Of the device's trial of 16 bits: every pattern, two bytes each. */
const TRIAL = 2 * 2 ** 16

const made: string[] = []

/** Bytes of an expert's matrices in 16 bits. */
const bitsOf = (spec: ExpertsSpec): number => expertBytes(spec) / 2

/** A copy of a checkpoint, its tensors in bfloat16. */
function inBfloat16(family: string): string {
  const model = copyCheckpoint(familyDirectory(family), (tensor) => {
    const values = new Float32Array(Uint8Array.from(tensor.data).buffer)
    return { ...tensor, dtype: 'BF16', data: new Uint8Array(float32ToBfloat16(values).buffer) }
  })
  made.push(model)
  return model
}

/** The blocks of a checkpoint on the device, where so many experts have room in 16 bits. */
async function opened(directory: string, experts: number) {
  const checkpoint = await Checkpoint.open(directory)
  const architecture = readArchitecture(checkpoint.config, 'config.json')
  const parts = new ModelParts(architecture)
  const weights = new ModelWeights(checkpoint, architecture)
  const first = Array.from({ length: architecture.blocks }, (_, i) => i).findIndex(
    (i) => parts.experts(i) !== undefined
  )
  const spec = parts.experts(first) as ExpertsSpec
  const runner = new BlockRunner(architecture, TOKENS, 'webgpu', undefined, experts * bitsOf(spec))
  const hidden = (batch: number) => uniform(TOKENS * stateSize(architecture), 1, 'experts', batch)
  const real = new Float32Array(TOKENS).fill(1)
  return {
    ...{ runner, spec, first, hidden, real },
    read: (index: number) => readBlockWeights(weights, parts, index),
    forward: (index: number, batch: number, own: BlockWeights) => runner.forward(index, hidden(batch), real, own),
    close: async () => {
      await runner.release()
      await checkpoint.close()
    }
  }
}

type Opened = Awaited<ReturnType<typeof opened>>

/** The same weights, whose experts tell how they are asked for. */
function watched(weights: BlockWeights) {
  const asked: (readonly [expert: number, how: Asked])[] = []
  const read = weights.experts as ReadExpert
  const experts = ((expert: number, how: Asked) => {
    asked.push([expert, how])
    return read(expert, how)
  }) as ReadExpert
  return { weights: { ...weights, experts }, asked }
}

/** What goes there of experts of Mixtral, by the names of the graph's inputs. */
const values = ({ up }: Bus): number => carriedOf(up, 'gate') + carriedOf(up, 'up') + carriedOf(up, 'down')

/** The experts of all blocks of a Mixtral, and the bytes of one of them. */
function expertsOf(model: string) {
  const tensors = tensorsOf(model).filter(({ name }) => name.includes('.experts.'))
  const experts = tensors.length / 3
  return { experts, bytes: tensors.reduce((sum, { data }) => sum + data.byteLength, 0) / experts }
}

/** Outputs of the batches through a block, of two sets of weights with the same experts, as of two streams. */
async function streamed(own: Opened, block: number, weights: BlockWeights): Promise<Float32Array[]> {
  const outputs: Float32Array[] = []
  for (const stream of [weights, { ...weights, linears: new Map(weights.linears) }])
    for (const batch of BATCHES) outputs.push(await own.forward(block, batch, stream))
  return outputs
}

/** As if the device gave another bit for the value one. */
function untrusted(): void {
  const { read } = DeviceMemory.prototype
  vi.spyOn(DeviceMemory.prototype, 'read').mockImplementation(async function (this: DeviceMemory, matrix) {
    const found = await read.call(this, matrix)
    if (found.data.length === 2 ** 16) found.data[0x3f80] = 2
    return found
  })
}

/** What the batches give with experts that travel as float32. */
async function inFloat32(directory: string) {
  untrusted()
  const own = await opened(directory, 0)
  const bus = watchBus()
  const outputs = await streamed(own, own.first, await own.read(own.first))
  await own.close()
  vi.restoreAllMocks()
  return { outputs, bus }
}

afterEach(() => vi.restoreAllMocks())

afterAll(() => {
  for (const model of made.splice(0)) rmSync(model, { recursive: true })
})

describe.skipIf(missing !== undefined)('experts on a device', () => {
  it('stay there for all batches and streams of a block, as their bits, and those of the next one in their place', async () => {
    const model = inBfloat16('mixtral')
    const expected = await inFloat32(model)
    const own = await opened(model, ALL)
    const bus = watchBus()
    const { weights, asked } = watched(await own.read(0))
    expect(await streamed(own, 0, weights)).toEqual(expected.outputs)
    const { count } = own.spec
    // Each of them has tokens, and is read once.
    expect(asked.map(([expert]) => expert).sort()).toEqual(Array.from({ length: count }, (_, expert) => expert))
    expect(asked.every(([, { bits, once }]) => bits && once)).toBe(true)
    expect([carriedOf(bus.up, 'words') - TRIAL, values(bus)]).toEqual([count * bitsOf(own.spec), 0])
    expect(values(expected.bus)).toBeGreaterThan(2 * count * expertBytes(own.spec))
    const lying = bus.lying()
    await streamed(own, 1, await own.read(1))
    expect(carriedOf(bus.up, 'words') - TRIAL).toBe(2 * count * bitsOf(own.spec))
    expect(bus.lying()).toBe(lying)
    expect(await streamed(own, 0, weights)).toEqual(expected.outputs)
    expect(asked.length).toBe(2 * count)
    await own.close()
    expect(bus.lying()).toBe(0)
  })

  it.each([0, 2.5])('stay as far as there is room, for %f, and the others travel as their bits', async (room) => {
    const model = inBfloat16('mixtral')
    const expected = await inFloat32(model)
    const own = await opened(model, room)
    const bus = watchBus()
    const { weights, asked } = watched(await own.read(0))
    expect(await streamed(own, 0, weights)).toEqual(expected.outputs)
    expect(values(bus)).toBe(0)
    expect(carriedOf(bus.up, 'words') - TRIAL).toBe(asked.length * bitsOf(own.spec))
    // Half of what they were where all travel.
    if (room === 0) expect(2 * asked.length * bitsOf(own.spec)).toBe(values(expected.bus))
    const again = asked.filter(([expert], at) => asked.findIndex(([other]) => other === expert) < at)
    expect(new Set(again.map(([expert]) => expert)).size).toBe(own.spec.count - Math.floor(room))
    // They may stay here, where there is memory for them.
    expect(again.every(([, { once }]) => !once)).toBe(true)
    await own.close()
    expect(bus.lying()).toBe(0)
  })

  it('stay as float32 where they are stored so, or the device does not give their bits, and are asked for as values then', async () => {
    const stored = familyDirectory('mixtral')
    const expected = { stored: await inFloat32(stored), untrusted: await inFloat32(inBfloat16('mixtral')) }
    for (const kind of ['stored', 'untrusted'] as const) {
      // Half of them have room.
      const own = await opened(kind === 'stored' ? stored : (made.at(-1) as string), 4)
      if (kind === 'untrusted') untrusted()
      const bus = watchBus()
      const { weights, asked } = watched(await own.read(0))
      expect(await streamed(own, 0, weights)).toEqual(expected[kind].outputs)
      // Linears are carried for the second batch of each stream.
      const linears = [...weights.linears.values()].reduce(
        (sum, weight) => sum + (weight as Float32Array).byteLength,
        0
      )
      expect(carriedOf(bus.up, 'first') - 2 * linears - (kind === 'untrusted' ? 2 * TRIAL : 0)).toBe(
        2 * expertBytes(own.spec)
      )
      const times = new Map<number, Asked[]>()
      for (const [expert, how] of asked) times.set(expert, [...(times.get(expert) ?? []), how])
      expect([...times.values()].filter(({ length }) => length === 1).length).toBe(2)
      for (const [first, ...others] of times.values())
        expect([first?.bits, ...others.map(({ bits }) => bits)]).toEqual([true, ...others.map(() => kind === 'stored')])
      vi.restoreAllMocks()
      await own.close()
    }
  })

  // Biases, matrices that are turned in some files, and experts in the midst of a block.
  it.each(['gpt_oss', 'gemma4_text-experts'])('of %s are computed with as if they travelled', async (family) => {
    const model = inBfloat16(family)
    const expected = await inFloat32(model)
    const own = await opened(model, ALL)
    const bus = watchBus()
    expect(await streamed(own, own.first, await own.read(own.first))).toEqual(expected.outputs)
    expect(carriedOf(bus.up, 'words')).toBeGreaterThan(TRIAL)
    await own.close()
    expect(bus.lying()).toBe(0)
  })

  it('are there for gradients, too, which are what they are with experts that travel', async () => {
    const model = inBfloat16('mixtral')
    const gradients = async (own: Opened) => {
      const weights = await own.read(0)
      const back = (batch: number) =>
        own.runner.backward(0, own.hidden(batch), own.hidden(9 - batch), own.real, weights)
      const found = []
      for (const batch of BATCHES) found.push((await back(batch)).hidden)
      await own.close()
      return found
    }
    untrusted()
    const expected = await gradients(await opened(model, 0))
    vi.restoreAllMocks()
    const own = await opened(model, ALL)
    const bus = watchBus()
    expect(await gradients(own)).toEqual(expected)
    expect([carriedOf(bus.up, 'words') - TRIAL, values(bus)]).toEqual([own.spec.count * bitsOf(own.spec), 0])
    expect(bus.lying()).toBe(0)
  })

  it.each<[family: string, room: number]>([
    ['mixtral', 2.5],
    ['mixtral', ALL],
    // Software takes most of a minute for it.
    ...(process.env.QUAIL_WEBGPU === 'all' ? ([['gemma4_text-experts', ALL]] as [string, number][]) : [])
  ])('of %s leave nothing there where it is lost at any call of a batch, with room for %f', async (family, room) => {
    const model = inBfloat16(family)
    let calls = Number.POSITIVE_INFINITY
    const bus = watchBus(() => {
      if (--calls < 0) throw new Error('Device was lost')
    })
    const outcomes: string[] = []
    for (let until = 0; outcomes.at(-1) !== 'done'; until++) {
      const own = await opened(model, room)
      const weights = await own.read(own.first)
      calls = until
      const back = () => own.runner.backward(own.first, own.hidden(0), own.hidden(1), own.real, weights)
      const batches = own.forward(own.first, 0, weights).then(() => own.forward(own.first, 1, weights))
      outcomes.push(
        await batches.then(back).then(
          () => 'done',
          ({ code }) => code
        )
      )
      calls = Number.POSITIVE_INFINITY
      await own.close()
      expect(bus.lying(), `lost after ${until} calls`).toBe(0)
    }
    // The trial; of each expert its three matrices, these once more in float32 for each batch and its gradients, and itself.
    expect(outcomes.length).toBeGreaterThan(4 * (2 * 3 + 1))
    expect(new Set(outcomes)).toEqual(new Set(['DEVICE', 'done']))
  })

  it('of a run are carried once for each pass over a block, and what it finds is what it is with experts that travel', async () => {
    const { model: source, text } = characterModel('mixtral', TOKENS)
    const model = inBfloat16('mixtral')
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(source, file), join(model, file))
    made.push(source)
    const visits = vi.spyOn(ExpertsThere.prototype, 'with')
    const files = [text]
    const variants = (['nf4', 'int8'] as const).flatMap((format) =>
      (['svd', 'exact'] as const).map((method) => ({
        name: `${format}-${method}`,
        method,
        rank: 4,
        quantizer: { format }
      }))
    )
    const result = async () => {
      const bus = watchBus()
      const run = makeRun({
        ...{ model, device: 'webgpu', context: TOKENS, variants },
        ...{ calibration: { files, rows: 4 }, evaluation: { files, rows: 4 } }
      })
      expect(finishedOf(await runToEnd(run)).error).toBeUndefined()
      expect(bus.lying()).toBe(0)
      const digests = adapterDigests(
        run,
        variants.map(({ name }) => name)
      )
      const adapters = variants.map(({ name }) => digests[`${name}/adapter_model.safetensors`])
      const found = [adapters, readFileSync(join(run.folder, 'rows.json'), 'utf8')]
      return { bus, found, visits: visits.mock.calls.splice(0).length }
    }
    vi.spyOn(card as Required<typeof card>, 'memory').mockResolvedValueOnce([1])
    const travelling = await result()
    const staying = await result()
    expect(staying.found).toEqual(travelling.found)
    expect(staying.visits).toBe(travelling.visits)
    expect([values(travelling.bus), values(staying.bus)]).toEqual([0, 0])
    const { experts, bytes } = expertsOf(model)
    expect(carriedOf(travelling.bus.up, 'words') - carriedOf(staying.bus.up, 'words')).toBe(
      (staying.visits - experts) * bytes
    )
    // The calibration rows, and the evaluation rows under full precision, two quantizers and four variants.
    expect(staying.visits).toBeGreaterThan(6 * experts)
  })
})
