import type { FourBitSpec } from '../../shared/recipe'
import { TORCH_DTYPES } from '../../shared/torchDtypes'
import { encodeFloats, type FloatDtype } from '../formats/dtypes'
import { pythonFloat, pythonInt, pythonJson } from '../formats/pythonJson'
import type { TensorData } from '../formats/safetensorsWriter'
import type { JsonValue } from '../formats/strictJson'
import { NESTED_BLOCK } from '../numerics/doubleQuantization'
import { DYNAMIC_MAP } from '../numerics/dynamicMap'
import type { QuantizedWeight } from './quantizer'
import { levelsOf } from './registry'

/*
 * A 4-bit weight as a pre-quantized checkpoint of bitsandbytes stores it, beside the name `<module>.weight`:
 *
 *     .weight                                  U8 [⌈n/2⌉, 1]     codes, element 2j in the high nibble of byte j
 *     .weight.absmax                           F32 [blocks]      or U8 with double quantization
 *     .weight.quant_map                        F32 [16]          the levels in code order
 *     .weight.nested_absmax                    F32 [⌈blocks/256⌉]  with double quantization
 *     .weight.nested_quant_map                 F32 [256]           with double quantization
 *     .weight.quant_state.bitsandbytes__<fmt>  U8 [bytes]        JSON: format, block size, dtype, shape, nested offset
 *
 * Source: bitsandbytes 0.50 functional.py, QuantState.as_dict(packed=True).
 */

/** What a weight was before it was quantized. */
export interface StoredWeight {
  /** Its tensor's name: `<module>.weight`. */
  readonly name: string
  /** [out, in]. */
  readonly shape: readonly [number, number]
  readonly dtype: FloatDtype
}

/** Longest JSON of a state: sizes of a shard are planned before the offset's digits are known. */
const MAX_STATE_BYTES = 256

/** The tensors of one quantized weight. */
export function fourBitTensors(weight: StoredWeight, quantized: QuantizedWeight, spec: FourBitSpec): TensorData[] {
  const { name } = weight
  const { packed, absmax, nested } = quantized
  const state = new TextEncoder().encode(pythonJson(stateOf(weight, quantized, spec)))
  const floats = (suffix: string, values: Float32Array): TensorData => ({
    name: `${name}.${suffix}`,
    dtype: 'F32',
    shape: [values.length],
    data: encodeFloats(values, 'F32')
  })
  const bytes = (suffix: string, data: Uint8Array): TensorData => ({
    name: `${name}.${suffix}`,
    dtype: 'U8',
    shape: [data.length],
    data
  })
  return [
    { name, dtype: 'U8', shape: [packed.length, 1], data: packed },
    nested === undefined ? floats('absmax', absmax) : bytes('absmax', nested.codes),
    floats('quant_map', levelsOf(spec.format)),
    ...(nested === undefined ? [] : [floats('nested_absmax', nested.absmax), floats('nested_quant_map', DYNAMIC_MAP)]),
    bytes(`quant_state.bitsandbytes__${spec.format}`, state)
  ]
}

/** At least the bytes that `fourBitTensors` gives for a weight of this shape. */
export function fourBitBytes([rows, columns]: readonly [number, number], spec: FourBitSpec): number {
  const blocks = Math.ceil((rows * columns) / spec.blockSize)
  const statistics = spec.doubleQuantization ? blocks + 4 * (Math.ceil(blocks / NESTED_BLOCK) + 256) : 4 * blocks
  return Math.ceil((rows * columns) / 2) + statistics + 4 * 16 + MAX_STATE_BYTES
}

function stateOf({ shape, dtype }: StoredWeight, { nested }: QuantizedWeight, spec: FourBitSpec): JsonValue {
  const state = new Map<string, JsonValue>([
    ['quant_type', spec.format],
    ['blocksize', pythonInt(spec.blockSize)],
    ['dtype', TORCH_DTYPES[dtype]],
    ['shape', shape.map(pythonInt)]
  ])
  if (nested === undefined) return state
  state.set('nested_blocksize', pythonInt(NESTED_BLOCK))
  state.set('nested_dtype', 'float32')
  return state.set('nested_offset', pythonFloat(nested.offset))
}
