import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { Checkpoint } from '../../src/engine/formats/checkpoint'
import { DeviceMemory } from '../../src/engine/graph/deviceMemory'
import { type DeviceTensor, giveBack, type Tensor } from '../../src/engine/graph/session'
import { stateSize } from '../../src/engine/models/architecture'
import { BlockRunner } from '../../src/engine/models/blockRunner'
import { readBlockWeights } from '../../src/engine/models/blockWeights'
import { ExpertRunner } from '../../src/engine/models/expertRunner'
import type { ExpertsSpec } from '../../src/engine/models/experts'
import { ExpertsThere } from '../../src/engine/models/expertsThere'
import type { ReadExpert } from '../../src/engine/models/expertWeights'
import { ModelParts } from '../../src/engine/models/modelParts'
import { ModelWeights } from '../../src/engine/models/modelWeights'
import { PackedUploads } from '../../src/engine/models/packedUploads'
import { readArchitecture } from '../../src/engine/models/registry'
import { uniform } from '../helpers/adaptedBlock'
import { familyDirectory } from '../helpers/checkpoints'
import { type Bus, carriedOf, watchBus } from '../helpers/deviceBus'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of rows of experts on a device')

const TOKENS = 16

const memory = new DeviceMemory('webgpu')
const uploads = new PackedUploads(memory)
const runner = new ExpertRunner(memory, new ExpertsThere(uploads, 0))

/** The first block with experts of a family, and its weights. */
async function opened(family: string) {
  const checkpoint = await Checkpoint.open(familyDirectory(family))
  const architecture = readArchitecture(checkpoint.config, 'config.json')
  const parts = new ModelParts(architecture)
  const blocks = Array.from({ length: architecture.blocks }, (_, i) => i)
  const block = blocks.find((i) => parts.experts(i) !== undefined) as number
  const weights = await readBlockWeights(new ModelWeights(checkpoint, architecture), parts, block)
  const spec = parts.experts(block) as ExpertsSpec
  return { architecture, block, weights, spec, read: weights.experts as ReadExpert, close: () => checkpoint.close() }
}

/** Routing weights of tokens of which every third has all experts, and others none; the last expert has no tokens. */
const routingOf = ({ count }: ExpertsSpec): Float32Array =>
  uniform(TOKENS * count, 1, 'routing').map((weight, at) => {
    const [token, expert] = [Math.floor(at / count), at % count]
    return expert === count - 1 || token % 3 === 1 || (token % 3 === 2 && expert % 2 === 0) ? 0 : weight
  })

const rowsOf = (data: Float32Array): Tensor => ({ data, shape: [TOKENS, data.length / TOKENS] })

const there = async (rows: Tensor): Promise<DeviceTensor> => (await memory.upload(rows)) as DeviceTensor

/** What is read of the device, which is given back. */
async function read(found: unknown): Promise<Tensor> {
  const values = await memory.read(found as DeviceTensor)
  giveBack([found])
  return values
}

afterEach(() => vi.restoreAllMocks())

afterAll(async () => {
  await runner.release()
  await uploads.release()
  await memory.release()
})

/** What goes there and back of rows that are gathered and added up here. */
const ofRows = ({ up, down }: Bus): number[] => [
  ...['rows', 'gradient', 'gradient.expertInput', 'expertSum'].map((name) => carriedOf(up, name)),
  ...['expertInput', 'sum', 'gradient.rows', 'gradient.expertSum'].map((name) => carriedOf(down, name))
]

describe.skipIf(missing !== undefined)('rows of experts on a device', () => {
  // Weights of outputs, of outputs with biases, and of inputs.
  it.each(['mixtral', 'gpt_oss', 'llama4_text-experts'])(
    'of %s are added up to the bits of those that are added up here, and so are gradients',
    async (family) => {
      const own = await opened(family)
      const { spec } = own
      const routing = routingOf(spec)
      const [input, gradient] = ['input', 'gradient'].map((name) =>
        rowsOf(uniform(TOKENS * spec.hiddenSize, 1, name))
      ) as [Tensor, Tensor]
      const here = await runner.sum({ input, routing }, spec, own.read)
      const backHere = await runner.backward({ input, routing }, gradient, spec, own.read)
      const [inputThere, gradientThere] = [await there(input), await there(gradient)]
      const bus = watchBus()
      const sum = await runner.sum({ input: inputThere, routing }, spec, own.read)
      const back = await runner.backward({ input: inputThere, routing }, gradientThere, spec, own.read)
      expect(ofRows(bus).every((bytes) => bytes === 0)).toBe(true)
      expect(await read(sum)).toEqual(here)
      expect(await read(back.input)).toEqual(backHere.input)
      expect(back.routing).toEqual(backHere.routing)
      expect(bus.lying()).toBe(0)
      giveBack([inputThere, gradientThere])
      await own.close()
    }
  )

  it('of a batch of which no token is routed to any expert are zeros', async () => {
    const own = await opened('mixtral')
    const input = await there(rowsOf(new Float32Array(TOKENS * own.spec.hiddenSize)))
    const routing = new Float32Array(TOKENS * own.spec.count)
    const sum = await runner.sum({ input, routing }, own.spec, own.read)
    const { data, shape } = await read(sum)
    expect([shape, data.every((value) => Object.is(value, 0))]).toEqual([[TOKENS, own.spec.hiddenSize], true])
    giveBack([input])
    await own.close()
  })

  // Experts whose sum is added to what a block gives, and others that it goes on with.
  it.each(['mixtral', 'gemma4_text-experts'])(
    'of %s stay there: of a block goes over the bus what goes of one without experts, and who is routed where',
    async (family) => {
      const { architecture, block, weights, spec, close } = await opened(family)
      const blocks = new BlockRunner(architecture, TOKENS, 'webgpu')
      const states = (name: string) => uniform(TOKENS * stateSize(architecture), 1, name)
      const real = new Float32Array(TOKENS).fill(1)
      const bus = watchBus()
      const next = await blocks.pass(block, states('hidden'), real, weights, true)
      const routing = 4 * TOKENS * spec.count
      expect([carriedOf(bus.down), carriedOf(bus.down, 'routing')]).toEqual([routing, routing])
      const { hidden } = await blocks.backward(block, states('hidden'), states('gradient'), real, weights, true)
      // The gradients of routing weights, of each expert for its own tokens.
      expect(carriedOf(bus.down) - carriedOf(bus.down, 'gradient.weight')).toBe(2 * routing)
      expect(carriedOf(bus.down, 'gradient.weight')).toBe(4 * TOKENS * spec.perToken)
      expect(carriedOf(bus.up, 'rows')).toBe(0)
      const lying = [await there(rowsOf(states('hidden'))), await there(rowsOf(states('gradient')))] as const
      const again = await blocks.backward(block, ...lying, real, weights)
      expect(again.hidden).toEqual((await read(hidden)).data)
      giveBack([next, ...lying])
      await blocks.release()
      await close()
      expect(bus.lying()).toBe(0)
    }
  )
})
