import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { exportBase } from '../../src/engine/ask/exportBase'
import { StoredBase } from '../../src/engine/base/storedBase'
import { Checkpoint } from '../../src/engine/formats/checkpoint'
import { listLinears } from '../../src/engine/models/modelLinears'
import { ModelParts } from '../../src/engine/models/modelParts'
import { ModelWeights } from '../../src/engine/models/modelWeights'
import { readArchitecture } from '../../src/engine/models/registry'
import { otherLinears } from '../../src/engine/prepare/baseCodes'
import { quantizerFor } from '../../src/engine/quantizers/registry'
import {
  type QuantState,
  quantizedWeights,
  readFourBit,
  readQuantState
} from '../../src/engine/quantizers/storedFourBit'
import type { FourBitSpec } from '../../src/shared/recipe'
import { goldenCases } from '../helpers/golden'
import { type GoldenTensor, readGoldenTensors } from '../helpers/goldenTensors'

const { directory, names: cases } = goldenCases('prequantized', (entry) => (entry.includes('.') ? undefined : entry))
const families = goldenCases('families', (entry) => (entry.includes('.') ? undefined : entry))

const configOf = (folder: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))

/** A config without what loading in another dtype and quantizing changes in it. */
function modelConfigOf(folder: string): Record<string, unknown> {
  const { quantization_config: _, dtype: __, transformers_version: ___, ...config } = configOf(folder)
  return config
}

/** The family that a case was made of: the one whose config says nothing else. */
function modelOf(name: string): string {
  const own = modelConfigOf(join(directory, name))
  const found = families.names.filter((family) =>
    Object.entries(modelConfigOf(join(families.directory, family))).every(([key, value]) =>
      isDeepStrictEqual(value, own[key])
    )
  )
  expect(found, `families of the config of ${name}`).toHaveLength(1)
  return join(families.directory, found[0] as string)
}

/** The quantizer as the reference's own config.json states it; its block size is the default of bitsandbytes. */
function specOf(name: string): FourBitSpec {
  const { quantization_config: stated } = configOf(join(directory, name)) as Record<string, Record<string, unknown>>
  return {
    format: stated?.bnb_4bit_quant_type as FourBitSpec['format'],
    blockSize: 64,
    doubleQuantization: stated?.bnb_4bit_use_double_quant as boolean
  }
}

const elementsOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

const float32s = ({ bytes }: GoldenTensor): Float32Array =>
  new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)

/** Q by the definition, element by element, from the tensors of the file alone. */
function dequantizedByDefinition(
  stored: ReadonlyMap<string, GoldenTensor>,
  weight: string,
  { shape, offset = 0 }: { shape: readonly number[]; offset?: number | undefined }
) {
  const tensor = (name: string) => stored.get(`${weight}${name}`)
  const codes = tensor('') as GoldenTensor
  const levels = float32s(tensor('.quant_map') as GoldenTensor)
  const absmax = tensor('.absmax') as GoldenTensor
  const nested = tensor('.nested_absmax')
  const map = tensor('.nested_quant_map')
  const scale = (block: number): number => {
    if (nested === undefined || map === undefined) return float32s(absmax)[block] as number
    const level = float32s(map)[absmax.bytes[block] as number] as number
    return Math.fround(Math.fround(level * (float32s(nested)[block >> 8] as number)) + offset)
  }
  return Float32Array.from({ length: elementsOf(shape) }, (_, i) => {
    const pair = codes.bytes[i >> 1] as number
    return (levels[i % 2 === 0 ? pair >> 4 : pair & 15] as number) * scale(Math.floor(i / 64))
  })
}

it.each(cases)('%s, made by bitsandbytes, is told to be made from the weights of its model', async (name) => {
  const model = await Checkpoint.open(modelOf(name))
  const architecture = readArchitecture(model.config, 'config.json')
  const linears = listLinears(new ModelParts(architecture))
  expect(linears.length).toBeGreaterThan(0)
  const base = await StoredBase.open(join(directory, name), model.config.model_type, architecture)
  expect(await otherLinears(base, new ModelWeights(model, architecture), linears)).toEqual([])
  await Promise.all([base.close(), model.close()])
})

describe('a pre-quantized checkpoint is read exactly', () => {
  for (const name of cases) {
    it(`${name}: codes, scales and what they stand for`, async () => {
      const stored = readGoldenTensors(join(directory, name, 'model.safetensors'))
      const checkpoint = await Checkpoint.openAny(join(directory, name))
      const weights = quantizedWeights(checkpoint)
      const states = [...stored.keys()].flatMap((key) => /^(.+)\.quant_state\.bitsandbytes__/.exec(key)?.[1] ?? [])
      expect(states.length).toBeGreaterThan(0)
      expect([...weights].sort()).toEqual(states.sort())
      for (const weight of weights) {
        const state = (await readQuantState(checkpoint, weight)) as QuantState
        const json = JSON.parse(
          stored.get(`${weight}.quant_state.bitsandbytes__${state.spec.format}`)?.bytes.toString() ?? ''
        )
        expect(state).toEqual({
          spec: specOf(name),
          shape: json.shape,
          ...(json.nested_offset !== undefined && { offset: json.nested_offset })
        })
        const read = await readFourBit(checkpoint, weight, state)
        expect(Buffer.from(read.packed).equals(stored.get(weight)?.bytes as Buffer)).toBe(true)
        const scales = read.nested?.codes ?? read.absmax
        const expected = stored.get(`${weight}.absmax`)?.bytes as Buffer
        expect(Buffer.from(scales.buffer, scales.byteOffset, scales.byteLength).equals(expected)).toBe(true)
        const Q = quantizerFor(state.spec).dequantize(read, elementsOf(json.shape), state.spec)
        expect(Q).toEqual(dequantizedByDefinition(stored, weight, { shape: json.shape, offset: json.nested_offset }))
      }
      await checkpoint.close()
    })
  }
})

describe('export-base writes what transformers and bitsandbytes save of the same model', () => {
  for (const name of cases) {
    it(`${name}: every file of the reference, byte for byte`, async () => {
      const out = join(mkdtempSync(join(tmpdir(), 'quail-base-')), 'out')
      const model = modelOf(name)
      const request = { model, out, quantizer: specOf(name), maxShardBytes: 5e9 }
      const done = await exportBase(
        { ...request, dtype: 'bfloat16', computeDtype: 'float32' },
        new AbortController().signal
      )
      const reference = readGoldenTensors(join(directory, name, 'model.safetensors'))
      const ours = readGoldenTensors(join(out, 'model.safetensors'))
      expect([...ours.keys()]).toEqual([...reference.keys()])
      for (const [tensor, { dtype, shape, bytes }] of reference) {
        const found = ours.get(tensor)
        expect([tensor, found?.dtype, found?.shape]).toEqual([tensor, dtype, shape])
        expect(found?.bytes.equals(bytes), tensor).toBe(true)
      }
      const files = readdirSync(join(directory, name)).sort()
      expect([...done.weightFiles.map((file) => file.name), ...done.otherFiles].sort()).toEqual(files)
      expect(readdirSync(out).sort()).toEqual(files)
      // Of a config that leaves keys to their defaults, transformers writes those as well.
      const whole = isDeepStrictEqual(modelConfigOf(model), modelConfigOf(join(directory, name)))
      for (const file of whole ? files : files.filter((one) => one !== 'config.json')) {
        const same = readFileSync(join(out, file)).equals(readFileSync(join(directory, name, file)))
        expect(same, file).toBe(true)
      }
    })
  }
})
