import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Checkpoint, type StoredBits } from '../../src/engine/formats/checkpoint'
import { decodeFloats, float32ToBfloat16, float32ToFloat16 } from '../../src/engine/formats/dtypes'
import { DeviceMemory } from '../../src/engine/graph/deviceMemory'
import type { DeviceTensor } from '../../src/engine/graph/session'
import { BlockRunner } from '../../src/engine/models/blockRunner'
import { readBlockWeights } from '../../src/engine/models/blockWeights'
import { ModelParts } from '../../src/engine/models/modelParts'
import { ModelWeights } from '../../src/engine/models/modelWeights'
import { PackedUploads } from '../../src/engine/models/packedUploads'
import { readArchitecture } from '../../src/engine/models/registry'
import { VocabularyHead } from '../../src/engine/models/vocabularyHead'
import { uniform } from '../helpers/adaptedBlock'
import { characterModel } from '../helpers/characterModel'
import { copyCheckpoint, familyDirectory, tensorsOf } from '../helpers/checkpoints'
import { carriedOf, watchBus } from '../helpers/deviceBus'
import { adapterDigests, finishedOf, makeRun, runToEnd } from '../helpers/runs'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of packed weights on a device')

const DTYPES = ['BF16', 'F16'] as const
/** Bits of the exponent, all set in infinities and NaN. */
const EXPONENTS = { BF16: 0x7f80, F16: 0x7c00 } as const

/** Every finite value of a format, in an even number. */
const everyValue = (dtype: StoredBits['dtype']): Uint16Array =>
  Uint16Array.from({ length: 2 ** 16 }, (_, i) => i).filter((bits) => (bits & EXPONENTS[dtype]) !== EXPONENTS[dtype])

const decoded = ({ dtype, data }: StoredBits): Float32Array => {
  const values = new Float32Array(data.length)
  decodeFloats(new Uint8Array(data.slice().buffer), dtype, values)
  return values
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer, byteOffset, byteLength)

/** What a device has of bits [rows, columns], and whether they went there packed; nothing is left there. */
async function uploaded(bits: StoredBits, rows: number, columns: number): Promise<Float32Array | undefined> {
  const bus = watchBus()
  const memory = new DeviceMemory('webgpu')
  const packed = new PackedUploads(memory)
  try {
    const there = await packed.upload(bits, rows, columns)
    if (there === undefined) return undefined
    expect(there.shape).toEqual([rows, columns])
    const { data } = await memory.read(there)
    there.giveBack()
    return data as Float32Array
  } finally {
    await packed.release()
    await memory.release()
    expect(bus.lying()).toBe(0)
  }
}

/** As if the device gave other bits for the patterns that `change` names. */
function changing(change: (values: Int32Array) => void): void {
  const { read } = DeviceMemory.prototype
  vi.spyOn(DeviceMemory.prototype, 'read').mockImplementation(async function (this: DeviceMemory, matrix) {
    const found = await read.call(this, matrix)
    if (found.data.length === 2 ** 16) change(new Int32Array(found.data.buffer, found.data.byteOffset, 2 ** 16))
    return found
  })
}

/** A copy of a checkpoint, its tensors in 16 bits. */
const inDtype = (directory: string, dtype: StoredBits['dtype']): string =>
  copyCheckpoint(directory, (tensor) => {
    const values = new Float32Array(Uint8Array.from(tensor.data).buffer)
    const data = dtype === 'BF16' ? float32ToBfloat16(values) : float32ToFloat16(values)
    return { ...tensor, dtype, data: new Uint8Array(data.buffer) }
  })

/** A run of a model in bfloat16 and the same with float32 on the bus: values that went there packed, and those of the model. */
async function comparedRuns(changes: object) {
  const { model: source, text } = characterModel('llama')
  const model = inDtype(source, 'BF16')
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(source, file), join(model, file))
  const result = async () => {
    const bus = watchBus()
    const files = [text]
    const run = makeRun({
      ...{ model, device: 'webgpu', context: 16, calibration: { files, rows: 4 }, evaluation: { files, rows: 2 } },
      ...changes
    })
    expect(finishedOf(await runToEnd(run)).error).toBeUndefined()
    expect(bus.lying()).toBe(0)
    const rows = join(run.folder, 'rows.json')
    const evaluated = existsSync(rows) && readFileSync(rows, 'utf8')
    return { bus, found: [adapterDigests(run, ['v'])['v/adapter_model.safetensors'], evaluated] }
  }
  changing((values) => {
    ;(values[0x3f80] as number) ^= 1
  })
  const inFloat32 = await result()
  vi.restoreAllMocks()
  // The head is one tile.
  const tiles = vi.spyOn(VocabularyHead.prototype, 'readTile')
  const { bus, found } = await result()
  expect(found).toEqual(inFloat32.found)
  // Beside the trial of each and the codes of a walk, which go by that name, too.
  const packed = (carriedOf(bus.up, 'words') - carriedOf(inFloat32.bus.up, 'words')) / 2
  expect(carriedOf(inFloat32.bus.up) - carriedOf(bus.up)).toBe(2 * packed)
  const valuesOf = (part: string): number =>
    tensorsOf(model)
      .filter(({ name }) => name.includes(part))
      .reduce((sum, { shape: [rows = 0, columns = 0] }) => sum + rows * columns, 0)
  const values = { linears: valuesOf('_proj'), head: valuesOf('lm_head') }
  for (const directory of [source, model]) rmSync(directory, { recursive: true })
  return { packed, tiles: tiles.mock.calls.length, ...values }
}

afterEach(() => vi.restoreAllMocks())

describe.skipIf(missing !== undefined)('weights of 16 bits on a device', () => {
  it.each(DTYPES)('become the float32 of the processor, all values of %s', async (dtype) => {
    const data = everyValue(dtype)
    const rows = dtype === 'BF16' ? 255 : 31
    const found = await uploaded({ dtype, data }, rows, data.length / rows)
    expect(found?.length).toBe(data.length)
    expect(Buffer.compare(bytesOf(found as Float32Array), bytesOf(decoded({ dtype, data })))).toBe(0)
  })

  it.each([
    [3, 2],
    [1, 514],
    [70, 66]
  ])('keep their places, [%i, %i]', async (rows, columns) => {
    const data = float32ToBfloat16(uniform(rows * columns, 1, 'packed'))
    expect(await uploaded({ dtype: 'BF16', data }, rows, columns)).toEqual(decoded({ dtype: 'BF16', data }))
  })

  it('are left to float32 where a word would hold values of two rows', async () => {
    expect(await uploaded({ dtype: 'F16', data: float32ToFloat16(uniform(15, 1, 'odd')) }, 5, 3)).toBeUndefined()
  })

  it('are left to float32 where a device takes small values for zero, and a weight holds such ones', async () => {
    const normal = float32ToBfloat16(uniform(64, 1, 'normal'))
    const small = normal.slice()
    small[7] = 0x8001
    const halves = float32ToFloat16(uniform(64, 1e-6, 'small')) // normal in float32
    for (const [flushes, expected] of [
      [false, [true, true, true]],
      [true, [true, false, true]]
    ] as const) {
      if (flushes) {
        changing((values) => {
          for (let i = 0; i < values.length; i++)
            if (((values[i] as number) & 0x7f800000) === 0) values[i] = (values[i] as number) & 0x80000000
        })
      }
      const cases: StoredBits[] = [
        { dtype: 'BF16', data: normal },
        { dtype: 'BF16', data: small },
        { dtype: 'F16', data: halves }
      ]
      const packed: boolean[] = []
      for (const bits of cases) packed.push((await uploaded(bits, 8, 8)) !== undefined)
      expect(packed).toEqual(expected)
    }
  })

  it('are left to float32 where a device gives another bit for one value', async () => {
    changing((values) => {
      ;(values[0x3f80] as number) ^= 1
    })
    for (const dtype of DTYPES)
      expect(await uploaded({ dtype, data: float32ToBfloat16(uniform(64, 1, 'wrong')) }, 8, 8)).toBeUndefined()
  })

  it('of a run go there once for each block, and what it finds is what it is with float32', async () => {
    const { packed, linears, head } = await comparedRuns({
      evaluation: undefined,
      variants: [{ name: 'v', method: 'exact', rank: 4 }]
    })
    expect([packed, head]).toEqual([linears, head])
  })

  it('go there in every pass, and with every tile of the head', async () => {
    const refine = { steps: 1, batch: 2, learningRate: 0.003 }
    const variants = [{ name: 'v', method: 'kfac', rank: 4, rankBudget: {}, refine }]
    const { packed, linears, head, tiles } = await comparedRuns({ variants })
    expect(tiles).toBeGreaterThan(0)
    // Forward and backward for the curvature, to solve, for the walks of questions and of the refinement, and for late streams.
    expect(packed).toBe(6 * linears + tiles * head)
  })

  it.each(DTYPES)('of a block in %s are carried as these bits, once, and computed with as float32', async (dtype) => {
    const model = inDtype(familyDirectory('llama'), dtype)
    const checkpoint = await Checkpoint.open(model)
    const architecture = readArchitecture(checkpoint.config, 'config.json')
    const weights = new ModelWeights(checkpoint, architecture)
    const parts = new ModelParts(architecture)
    const runner = new BlockRunner(architecture, 8, 'webgpu')
    try {
      const read = await readBlockWeights(weights, parts, 0, undefined, true)
      const plain = await readBlockWeights(weights, parts, 0)
      expect(read.linears).toEqual(plain.linears)
      expect([read.bits.size, plain.bits.size]).toEqual([read.linears.size, 0])
      const hidden = uniform(8 * architecture.hiddenSize, 1, 'hidden')
      const real = new Float32Array(8).fill(1)
      const expected = await runner.forward(0, hidden, real, plain)
      const bus = watchBus()
      const carried = await runner.carried(0, read)
      const values = [...plain.linears.values()].reduce((sum, { length }) => sum + length, 0)
      // After a trial, once.
      expect(carriedOf(bus.up, 'words')).toBe(2 * (values + 2 ** 16))
      expect(await runner.forward(0, hidden, real, carried)).toEqual(expected)
      for (const weight of carried.linears.values()) (weight as DeviceTensor).giveBack()
      await runner.release()
      expect(bus.lying()).toBe(0)
    } finally {
      await checkpoint.close()
      rmSync(model, { recursive: true })
    }
  })
})
