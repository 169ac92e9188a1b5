import { DYNAMIC_MAP, dynamicCode } from './dynamicMap'

/** How many absmax values share one nested absmax. */
export const NESTED_BLOCK = 256

/** The absmax values of one weight after their own quantization to 8 bits. */
export interface NestedAbsmax {
  /** One code of the dynamic map per block. */
  readonly codes: Uint8Array
  /** One scale per 256 codes. */
  readonly absmax: Float32Array
  /** Mean of the raw absmax values, a float32. */
  readonly offset: number
  /** The 256 levels of the codes, where they are not the dynamic map: bitsandbytes up to 0.49 changed code 0 on CPU. */
  readonly map?: Float32Array
}

/**
 * Quantizes absmax values as bitsandbytes' double quantization does.
 *
 * offset = fp32(mean), d = fp32(absmax − offset), then blocks of 256: nested = max |d|, x = fp32(d · fp32(1 / nested)),
 * code = dynamicCode(x); a block of zeros gets code 0. The mean is summed in float64 here and in float32 in torch, so
 * the offset can differ by an ulp and a code by one step.
 */
export function quantizeAbsmax(absmax: Float32Array): NestedAbsmax {
  const offset = mean(absmax)
  const codes = new Uint8Array(absmax.length)
  const nested = new Float32Array(Math.ceil(absmax.length / NESTED_BLOCK))
  for (let block = 0; block < nested.length; block++) {
    const start = block * NESTED_BLOCK
    const end = Math.min(start + NESTED_BLOCK, absmax.length)
    let largest = 0
    for (let i = start; i < end; i++) largest = Math.max(largest, Math.abs(Math.fround(absmax[i] - offset)))
    nested[block] = largest
    if (largest === 0) continue
    const reciprocal = Math.fround(1 / largest)
    for (let i = start; i < end; i++) codes[i] = dynamicCode(Math.fround(Math.fround(absmax[i] - offset) * reciprocal))
  }
  return { codes, absmax: nested, offset }
}

function mean(values: Float32Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]
  return values.length === 0 ? 0 : Math.fround(sum / values.length)
}

/** fp32(fp32(map[code] · nested) + offset) per block. It may be zero or negative for tiny blocks; that is legal. */
export function dequantizeAbsmax(nested: NestedAbsmax): Float32Array {
  const result = new Float32Array(nested.codes.length)
  const map = nested.map ?? DYNAMIC_MAP
  for (let i = 0; i < result.length; i++) {
    const scaled = Math.fround(map[nested.codes[i]] * nested.absmax[Math.floor(i / NESTED_BLOCK)])
    result[i] = scaled + nested.offset
  }
  return result
}
