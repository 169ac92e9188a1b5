import type { QuantizerSpec } from '../../shared/recipe'
import { dequantizeAbsmax, quantizeAbsmax } from '../numerics/doubleQuantization'
import type { QuantizedWeight } from './quantizer'

/** Codes with the absmax of each block, which is quantized itself where the spec says so. */
export const withAbsmax = (
  packed: Uint8Array,
  absmax: Float32Array,
  { doubleQuantization }: Pick<QuantizerSpec, 'doubleQuantization'>
): QuantizedWeight => (doubleQuantization ? { packed, absmax, nested: quantizeAbsmax(absmax) } : { packed, absmax })

/** What the level of each element is multiplied by, one for each block. */
export const scalesOf = ({ absmax, nested }: QuantizedWeight): Float32Array =>
  nested === undefined ? absmax : dequantizeAbsmax(nested)
