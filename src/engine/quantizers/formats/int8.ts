import { AppError } from '../../../shared/errors'
import { float16ToFloat32, float32ToFloat16 } from '../../formats/dtypes'
import { readableCodes } from '../codesThere'
import { roundInputs } from '../int8Inputs'
import { quantizeInt8There } from '../int8There'
import { notFinite } from '../notFinite'
import type { QuantizedWeight, Quantizer } from '../quantizer'

/** fp32(1 / 127), by which bitsandbytes multiplies in place of dividing by 127. */
const STEP = Math.fround(1 / 127)

/** Added and taken away again, it leaves the nearest whole number, ties to even, of any |x| < 2^51. */
const ROUNDER = 1.5 * 2 ** 52

/**
 * LLM.int8 (arXiv 2208.07339): a scale for each output row. `packed` holds one code a byte, int8 in two's complement: CB;
 * `absmax` holds the scales: SCB.
 *
 * Per row, with w rounded to float16 first: SCB = max |w|, CB = round(fp32(w · fp32(127 · fp32(1 / SCB)))), ties to even;
 * a row of zeros has the codes 0. Dequantized: fp32(fp32(CB · SCB) · fp32(1 / 127)).
 * Equal bytes with bitsandbytes 0.50 on CPU; CUDA divides otherwise, so that a weight half way between two codes (SCB / 2
 * is one) may get the other. Source: bitsandbytes `Int8Params`, `int8_vectorwise_quant`, `int8_vectorwise_dequant`.
 *
 * `Linear8bitLt` rounds its inputs to 8 bits too, which int8Inputs.ts tells the evaluation. That is no error of W, and no
 * adapter can take it back.
 */
export const quantizer: Quantizer = {
  quantize,
  dequantize,
  quantizeThere: (memory, weight, spec, lies) => quantizeInt8There(memory, ON_PROCESSOR, weight, spec, lies),
  // Codes of a row share its scale.
  codesThere: (memory, quantized, shape, spec) =>
    readableCodes(memory, { ...OF_BYTES, group: shape.cols, spec, dequantize }, quantized, shape),
  roundInputs
}

/** By which a row is multiplied, of its largest |w|. */
const reciprocalOf = (largest: number): number => (largest > 0 ? Math.fround(127 * Math.fround(1 / largest)) : 0)

const ON_PROCESSOR = { quantize, dequantize, step: STEP, reciprocalOf }

/** Of each byte its code: int8 in two's complement. */
const OF_BYTES = { name: 'int8', values: Float32Array.from(new Int8Array(256).map((_, byte) => byte)), step: STEP }

function quantize(weight: Float32Array, _spec: unknown, inFeatures: number): QuantizedWeight {
  const codes = new Int8Array(weight.length)
  const scales = new Float32Array(weight.length / inFeatures)
  const row = new Float32Array(inFeatures)
  for (let r = 0, start = 0; r < scales.length; r++, start += inFeatures) {
    float16ToFloat32(float32ToFloat16(weight.subarray(start, start + inFeatures)), row)
    const largest = largestMagnitude(row)
    if (!Number.isFinite(largest)) throw outOfRange(weight, start)
    scales[r] = largest
    if (largest > 0) quantizeRow(row, reciprocalOf(largest), codes.subarray(start))
  }
  return { packed: new Uint8Array(codes.buffer), absmax: scales }
}

function quantizeRow(row: Float32Array, scale: number, codes: Int8Array): void {
  for (let j = 0; j < row.length; j++) codes[j] = Math.fround((row[j] as number) * scale) + ROUNDER - ROUNDER
}

/** Infinite where a value is, or is NaN. */
function largestMagnitude(values: Float32Array): number {
  let largest = 0
  for (const value of values) {
    const magnitude = Math.abs(value)
    if (!(magnitude <= largest)) largest = magnitude
    if (Number.isNaN(largest)) return Number.POSITIVE_INFINITY
  }
  return largest
}

function outOfRange(weight: Float32Array, from: number): AppError {
  const index = weight.findIndex((value, i) => i >= from && !(Math.abs(value) < 65520))
  if (!Number.isFinite(weight[index])) return notFinite(weight, from)
  return new AppError(
    'NUMERICS',
    `element ${index} is ${weight[index]}; int8 rounds weights to float16 first, which holds no more than 65504`
  )
}

function dequantize(
  { packed, absmax }: QuantizedWeight,
  length: number,
  _spec: unknown,
  target: Float32Array = new Float32Array(length)
): Float32Array {
  const codes = new Int8Array(packed.buffer, packed.byteOffset, packed.length)
  const values = target.length === length ? target : target.subarray(0, length)
  const inFeatures = length / absmax.length
  for (let r = 0, i = 0; r < absmax.length; r++) {
    const scale = absmax[r] as number
    for (const end = i + inFeatures; i < end; i++) values[i] = Math.fround((codes[i] as number) * scale) * STEP
  }
  return values
}
