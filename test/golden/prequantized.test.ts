import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Checkpoint } from '../../src/engine/formats/checkpoint'
import { quantizerFor } from '../../src/engine/quantizers/registry'
import {
  type QuantState,
  quantizedWeights,
  readFourBit,
  readQuantState
} from '../../src/engine/quantizers/storedFourBit'
import { exportBase } from '../../src/engine/run/exportBase'
import type { FourBitSpec } from '../../src/shared/recipe'
import { type GoldenTensor, readGoldenTensors } from '../helpers/goldenTensors'
import { goldenDirectory } from '../helpers/paths'

const directory = join(goldenDirectory(), 'prequantized')
const model = join(goldenDirectory(), 'families/llama')
const cases = readdirSync(directory).filter((name) => !name.includes('.'))

/** The quantizer as the reference's own config.json states it; its block size is the default of bitsandbytes. */
function specOf(name: string): FourBitSpec {
  const config = JSON.parse(readFileSync(join(directory, name, 'config.json'), 'utf8'))
  const { bnb_4bit_quant_type: format, bnb_4bit_use_double_quant: doubleQuantization } = config.quantization_config
  return { format, blockSize: 64, doubleQuantization }
}

const float32s = ({ bytes }: GoldenTensor): Float32Array =>
  new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)

/** Q by the definition, element by element, from the tensors of the file alone. */
function dequantizedByDefinition(stored: ReadonlyMap<string, GoldenTensor>, weight: string, offset: number) {
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
  return Float32Array.from({ length: 2 * codes.bytes.length }, (_, i) => {
    const pair = codes.bytes[i >> 1] as number
    return (levels[i % 2 === 0 ? pair >> 4 : pair & 15] as number) * scale(Math.floor(i / 64))
  })
}

describe('a pre-quantized checkpoint is read exactly', () => {
  for (const name of cases) {
    it(`${name}: codes, scales and what they stand for`, async () => {
      const stored = readGoldenTensors(join(directory, name, 'model.safetensors'))
      const checkpoint = await Checkpoint.openAny(join(directory, name))
      const weights = quantizedWeights(checkpoint)
      expect(weights).toHaveLength(14)
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
        const Q = quantizerFor(state.spec).dequantize(read, 2 * read.packed.length, state.spec)
        expect(Q).toEqual(dequantizedByDefinition(stored, weight, json.nested_offset ?? 0))
      }
      await checkpoint.close()
    })
  }
})

describe('export-base writes what transformers and bitsandbytes save of the same model', () => {
  it('on at least one golden checkpoint', () => {
    expect(cases.length).toBeGreaterThan(0)
  })

  for (const name of cases) {
    it(`${name}: every file of the reference, byte for byte`, async () => {
      const out = join(mkdtempSync(join(tmpdir(), 'quail-base-')), 'out')
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
      for (const file of files) {
        const same = readFileSync(join(out, file)).equals(readFileSync(join(directory, name, file)))
        expect(same, file).toBe(true)
      }
    })
  }
})
