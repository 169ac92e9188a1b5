import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeFloats, encodeFloats, type FloatDtype } from '../../src/engine/formats/dtypes'
import { quantizerFor } from '../../src/engine/quantizers/registry'
import { QuantizerSpec } from '../../src/shared/recipe'
import { goldenCases } from '../helpers/golden'
import { type GoldenTensor, readGoldenTensors } from '../helpers/goldenTensors'

const { directory, names: files } = goldenCases('quantizers', (entry) =>
  entry.endsWith('.safetensors') ? entry : undefined
)

interface Case {
  readonly weight: Float32Array
  readonly dtype: FloatDtype
  readonly spec: QuantizerSpec
  readonly inFeatures: number
  readonly expected: (name: string) => GoldenTensor
  /** Whether the file has it with double quantization, too. */
  readonly nested: boolean
}

const elements = (tensor: GoldenTensor): number => tensor.shape.reduce((product, size) => product * size, 1)

const floats = (tensor: GoldenTensor): Float32Array => {
  const values = new Float32Array(elements(tensor))
  decodeFloats(tensor.bytes, tensor.dtype as FloatDtype, values)
  return values
}

/** bitsandbytes rounds what it dequantizes to the weight's dtype: half an ulp of it, relative, and the smallest step. */
const HALF_ULP: Readonly<Record<FloatDtype, number>> = { F32: 0, BF16: 2 ** -8, F16: 2 ** -11 }
const SMALLEST_HALF_STEP: Readonly<Record<FloatDtype, number>> = { F32: 0, BF16: 0, F16: 2 ** -25 }

/** The bit patterns of the values rounded to `dtype`, as integers in the order of the values; −0 and +0 are the same. */
function ordered(values: Float32Array, dtype: FloatDtype): number[] {
  const bytes = encodeFloats(values, dtype)
  const bits =
    dtype === 'F32' ? new Uint32Array(bytes.buffer, bytes.byteOffset, values.length) : new Uint16Array(bytes.buffer)
  const sign = dtype === 'F32' ? 2 ** 31 : 2 ** 15
  return Array.from(bits, (pattern) => (pattern >= sign ? sign - pattern : pattern))
}

/** Largest distance in representable values of `dtype`. */
function ulps(ours: Float32Array, reference: Float32Array, dtype: FloatDtype): number {
  const expected = ordered(reference, dtype)
  return ordered(ours, dtype).reduce((worst, bits, i) => Math.max(worst, Math.abs(bits - (expected[i] ?? 0))), 0)
}

/** Largest relative error beyond what the rounding of the reference to `dtype` explains. */
function relativeError(ours: Float32Array, reference: Float32Array, dtype: FloatDtype): number {
  return ours.reduce((worst, value, i) => {
    const expected = Math.abs(reference[i] ?? 0)
    const rounding = expected * HALF_ULP[dtype] + SMALLEST_HALF_STEP[dtype]
    const error = Math.abs(value - (reference[i] ?? 0)) - rounding
    return error <= 0 ? worst : Math.max(worst, error / expected)
  }, 0)
}

/** The formats that bitsandbytes has, which alone its files can hold. */
const BITSANDBYTES = ['nf4', 'fp4', 'int8'] as const

const formats = /^(nf4|fp4)\.b(\d+)\.packed$/

function casesOf(tensors: Map<string, GoldenTensor>): Case[] {
  const stored = tensors.get('weight') as GoldenTensor
  const weight = floats(stored)
  const dtype = stored.dtype as FloatDtype
  const inFeatures = stored.shape[1] as number
  return [...tensors.keys()].flatMap((key) => {
    const match = formats.exec(key)
    if (match === null) return []
    const prefix = key.replace(/packed$/, '')
    const expected = (name: string) => tensors.get(prefix + name) as GoldenTensor
    const nested = tensors.has(`${prefix}dq.packed`)
    const spec = { format: match[1], blockSize: Number(match[2]), doubleQuantization: false } as QuantizerSpec
    return [{ weight, dtype, spec, inFeatures, expected, nested }]
  })
}

/** Codes and scales are equal to the last bit; so are the products, where the file has them. */
function expectInt8(tensors: Map<string, GoldenTensor>): void {
  const stored = tensors.get('weight') as GoldenTensor
  const weight = floats(stored)
  const int8 = quantizerFor({ format: 'int8' })
  const quantized = int8.quantize(weight, QuantizerSpec.parse({ format: 'int8' }), stored.shape[1] as number)
  expect(Buffer.compare(quantized.packed, tensors.get('int8.CB')?.bytes ?? Buffer.alloc(0))).toBe(0)
  expect(ulps(quantized.absmax, floats(tensors.get('int8.SCB') as GoldenTensor), 'F32')).toBe(0)
  const products = tensors.get('int8.dequantized')
  if (products === undefined) return
  const values = int8.dequantize(quantized, weight.length, QuantizerSpec.parse({ format: 'int8' }))
  expect(ulps(values, floats(products), 'F32')).toBe(0)
}

describe('the quantizers agree with bitsandbytes', () => {
  it('on at least one golden case of each of its formats', () => {
    const tensors = files.map((file) => [...readGoldenTensors(join(directory, file)).keys()])
    expect(BITSANDBYTES.filter((format) => !tensors.flat().some((key) => key.startsWith(`${format}.`)))).toEqual([])
  })

  for (const file of files) {
    const tensors = readGoldenTensors(join(directory, file))
    const cases = casesOf(tensors)

    it(`on ${file}: holds a case`, () => {
      expect(cases.length + (tensors.has('int8.CB') ? 1 : 0)).toBeGreaterThan(0)
    })

    if (tensors.has('int8.CB')) it(`on ${file}: int8`, () => expectInt8(tensors))

    for (const { weight, dtype, spec, inFeatures, expected, nested } of cases) {
      it(`on ${file}: ${spec.format}, block size ${spec.blockSize}`, () => {
        const quantizer = quantizerFor(spec)
        const quantized = quantizer.quantize(weight, spec, inFeatures)
        expect(Buffer.compare(quantized.packed, expected('packed').bytes)).toBe(0)
        expect(ulps(quantized.absmax, floats(expected('absmax')), 'F32')).toBe(0)
        // Ours are float32 products of equal factors; rounded as the reference is, at most the last bit may differ.
        const values = quantizer.dequantize(quantized, weight.length, spec)
        expect(ulps(values, floats(expected('dequantized')), dtype)).toBeLessThanOrEqual(1)
      })

      if (!nested) continue

      it(`on ${file}: ${spec.format}, block size ${spec.blockSize}, double quantization`, () => {
        const quantizer = quantizerFor(spec)
        const nestedSpec = { ...spec, doubleQuantization: true }
        const quantized = quantizer.quantize(weight, nestedSpec, inFeatures)
        expect(Buffer.compare(quantized.packed, expected('dq.packed').bytes)).toBe(0)
        // torch sums the mean in float32 and in its own order, so a code beside a threshold may move by one step;
        // one step of the 8-bit map is below 2e-3 of an absmax in these files.
        const codes = expected('dq.absmax_codes').bytes
        const steps = quantized.nested?.codes.map((code, i) => Math.abs(code - (codes[i] ?? 0)))
        expect(Math.max(...(steps ?? [256]))).toBeLessThanOrEqual(1)
        const values = quantizer.dequantize(quantized, weight.length, nestedSpec)
        expect(relativeError(values, floats(expected('dq.dequantized')), dtype)).toBeLessThanOrEqual(2e-3)
      })
    }
  }
})
