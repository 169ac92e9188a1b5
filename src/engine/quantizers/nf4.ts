import { AppError } from '../../shared/errors'
import type { QuantizerSpec } from '../../shared/recipe'
import { dequantizeAbsmax, quantizeAbsmax } from '../numerics/doubleQuantization'
import { dequantizeNf4, quantizeNf4 } from '../numerics/nf4'
import type { QuantizedWeight, Quantizer } from './quantizer'

/** 4-bit NormalFloat as bitsandbytes' CPU backend quantizes it, with or without double quantization. */
export const nf4: Quantizer = { format: 'nf4', quantize, dequantize }

function quantize(weight: Float32Array, spec: QuantizerSpec): QuantizedWeight {
  const packed = new Uint8Array(Math.ceil(weight.length / 2))
  const absmax = new Float32Array(Math.ceil(weight.length / spec.blockSize))
  const badBlock = quantizeNf4(weight, spec.blockSize, packed, absmax)
  if (badBlock >= 0) throw notFinite(weight, badBlock * spec.blockSize)
  return spec.doubleQuantization ? { packed, absmax, nested: quantizeAbsmax(absmax) } : { packed, absmax }
}

function dequantize(
  quantized: QuantizedWeight,
  length: number,
  spec: QuantizerSpec,
  target: Float32Array = new Float32Array(length)
): Float32Array {
  const values = target.length === length ? target : target.subarray(0, length)
  const absmax = quantized.nested === undefined ? quantized.absmax : dequantizeAbsmax(quantized.nested)
  dequantizeNf4(quantized.packed, absmax, spec.blockSize, values)
  return values
}

function notFinite(weight: Float32Array, from: number): AppError {
  const index = weight.findIndex((value, i) => i >= from && !Number.isFinite(value))
  return new AppError('NUMERICS', `element ${index} is ${weight[index]}; only finite weights can be quantized`)
}
