import { AppError } from '../../shared/errors'
import type { QuantizerSpec } from '../../shared/recipe'
import type { ModelLinear } from '../models/modelTensors'
import { difference } from '../numerics/accumulate'
import type { Matrix32 } from '../numerics/matrix'
import { fingerprintLinear } from '../quantizers/fingerprint'
import { quantizerFor } from '../quantizers/registry'
import type { BaseWeight, StoredBase } from './storedBase'

/**
 * Q of a linear: what its weight [out, in] becomes by the quantizer, or what the pre-quantized base holds.
 *
 * @throws {AppError} NUMERICS naming the linear; what reading the base throws
 */
export async function quantizeLinear(
  base: StoredBase | undefined,
  linear: ModelLinear,
  weight: Float32Array,
  spec: QuantizerSpec
): Promise<BaseWeight> {
  return base === undefined ? quantizeWeight(linear, weight, spec) : base.read(linear)
}

/** The same without a base. @throws {AppError} NUMERICS naming the linear */
export function quantizeWeight(linear: ModelLinear, weight: Float32Array, spec: QuantizerSpec): BaseWeight {
  const quantizer = quantizerFor(spec)
  try {
    const quantized = quantizer.quantize(weight, spec, linear.inFeatures)
    const Q = quantizer.dequantize(quantized, weight.length, spec)
    return { Q, fingerprint: fingerprintLinear(linear.path, quantized) }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, `${linear.path}.weight: ${error.message}`, { cause: error })
  }
}

/** The error of a linear's weight [out, in] that became Q: W − Q. */
export const errorOf = (
  { outFeatures, inFeatures }: Pick<ModelLinear, 'outFeatures' | 'inFeatures'>,
  weight: Float32Array,
  Q: Float32Array
): Matrix32 => ({ data: difference(weight, Q), rows: outFeatures, cols: inFeatures })
