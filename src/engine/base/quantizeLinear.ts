import { AppError } from '../../shared/errors'
import type { QuantizerSpec } from '../../shared/recipe'
import type { ModelLinear } from '../models/modelTensors'
import { fingerprintLinear } from '../quantizers/fingerprint'
import { quantizerFor } from '../quantizers/registry'
import type { BaseWeight } from './baseWeight'
import type { StoredBase } from './storedBase'

/**
 * What a linear's weight [out, in] becomes by the quantizer, or what the pre-quantized base has of it.
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
  try {
    const held = quantizerFor(spec).quantize(weight, spec, linear.inFeatures)
    return { held, fingerprint: fingerprintLinear(linear.path, held) }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, `${linear.path}.weight: ${error.message}`, { cause: error })
  }
}
