import type { QuantizerSpec } from '../../shared/recipe'
import { dequantizeFourBit, type FourBitTable, fourBitTable, quantizeFourBit } from '../numerics/fourBit'
import { scalesOf, withAbsmax } from './absmaxScales'
import { readableCodes } from './codesThere'
import { quantizeFourBitThere } from './fourBitThere'
import { notFinite } from './notFinite'
import type { QuantizedWeight, Quantizer } from './quantizer'

/** Its blocks run over the flat weight, so it need not know the length of a row. */
export interface FourBitQuantizer extends Quantizer {
  /** The sixteen values of its codes, in the order of the codes. */
  readonly levels: Float32Array
  quantize(weight: Float32Array, spec: QuantizerSpec): QuantizedWeight
}

/**
 * A 4-bit format of bitsandbytes, with or without double quantization.
 *
 * @param levels the sixteen values of its codes, in the order of the codes
 */
export function fourBitQuantizer(levels: Float32Array): FourBitQuantizer {
  const table = fourBitTable(levels)
  const dequantize: Quantizer['dequantize'] = (quantized, length, spec, target = new Float32Array(length)) => {
    const values = target.length === length ? target : target.subarray(0, length)
    dequantizeFourBit(quantized.packed, scalesOf(quantized), spec.blockSize, table, values)
    return values
  }
  const ofBytes = { name: levels.join(), values: pairsOf(levels) }
  return {
    levels,
    quantize: (weight, spec) => quantize(weight, spec, table),
    dequantize,
    quantizeThere: (memory, weight, spec, lies) => quantizeFourBitThere(memory, table, weight, spec, lies),
    codesThere: (memory, quantized, shape, spec) =>
      readableCodes(memory, { ...ofBytes, group: spec.blockSize, spec, dequantize }, quantized, shape)
  }
}

/** Of each byte the levels of its two codes: that of the high nibble comes first. */
const pairsOf = (levels: Float32Array): Float32Array =>
  Float32Array.from({ length: 512 }, (_, i) => levels[i % 2 === 0 ? i >> 5 : (i >> 1) & 15] as number)

function quantize(weight: Float32Array, spec: QuantizerSpec, table: FourBitTable): QuantizedWeight {
  const packed = new Uint8Array(Math.ceil(weight.length / 2))
  const absmax = new Float32Array(Math.ceil(weight.length / spec.blockSize))
  const badBlock = quantizeFourBit(weight, spec.blockSize, table, packed, absmax)
  if (badBlock >= 0) throw notFinite(weight, badBlock * spec.blockSize)
  return withAbsmax(packed, absmax, spec)
}
