import type { StoredBase } from '../base/storedBase'
import { FLOAT_DTYPES, type FloatDtype } from '../formats/dtypes'
import type { ModelLinear } from '../models/modelTensors'
import type { ModelWeights } from '../models/modelWeights'
import { rounded } from '../models/tiedHead'
import { quantizerFor } from '../quantizers/registry'

/** Values of each linear that are compared, its first: a whole number of blocks. A model of 70 billion parameters has 560 linears. */
const COMPARED_VALUES = 2 ** 15

/**
 * Codes of a base of the model that may be others than Quail gets: bitsandbytes divides otherwise on a GPU, and a base may have
 * been made of float32 weights that the model has in bfloat16, which changes 0.2 % of them. Weights that were trained by 1 % of
 * their size get 3 % of other codes.
 */
const OTHER_CODES = 0.01

/**
 * The linears of which a pre-quantized base holds other weights than the model: a base of the model before it was fine-tuned, say,
 * of which everything but the linears is the same where LoRA was merged.
 *
 * @throws {AppError} as reading the tensors does; NUMERICS for a NaN or an infinity
 */
export async function otherLinears(
  base: StoredBase,
  weights: ModelWeights,
  linears: readonly ModelLinear[]
): Promise<string[]> {
  const others: string[] = []
  for (const linear of linears) if (!(await isQuantized(base, weights, linear))) others.push(linear.path)
  return others
}

async function isQuantized(base: StoredBase, weights: ModelWeights, linear: ModelLinear): Promise<boolean> {
  const count = Math.min(linear.outFeatures * linear.inFeatures, COMPARED_VALUES)
  const own = await weights.readLinearBeginning(linear.path, linear, count)
  const held = await base.readBeginning(linear, count)
  if (held instanceof Float32Array) return areRounded(own, held, FLOAT_DTYPES)
  // The scales of scales do not change a code.
  const spec = { ...base.spec, doubleQuantization: false }
  return FLOAT_DTYPES.some((dtype) => {
    const { packed } = quantizerFor(spec).quantize(roundedCopy(own, dtype), spec, linear.inFeatures)
    return otherCodes(packed, held) <= OTHER_CODES * count
  })
}

/** Whether a base's values are those of the model, rounded to one of these dtypes. */
export const areRounded = (own: Float32Array, base: Float32Array, dtypes: readonly FloatDtype[]): boolean =>
  dtypes.some((dtype) => {
    const values = roundedCopy(own, dtype)
    return base.every((value, i) => value === values[i])
  })

const roundedCopy = (values: Float32Array, dtype: FloatDtype): Float32Array => rounded(Float32Array.from(values), dtype)

/** Codes that differ, of two in each byte. */
function otherCodes(one: Uint8Array, other: Uint8Array): number {
  let count = 0
  for (const [i, byte] of one.entries()) {
    const differing = byte ^ (other[i] as number)
    count += (differing >> 4 === 0 ? 0 : 1) + ((differing & 15) === 0 ? 0 : 1)
  }
  return count
}
