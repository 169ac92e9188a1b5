import { AppError } from '../../shared/errors'
import type { QuantizerSpec } from '../../shared/recipe'
import type { ModelLinear } from '../models/modelTensors'
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
