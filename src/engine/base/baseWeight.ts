import type { QuantizerSpec } from '../../shared/recipe'
import type { LinearFingerprint } from '../../shared/runFolder'
import type { DeviceMemory } from '../graph/deviceMemory'
import type { ModelLinear } from '../models/modelTensors'
import { difference } from '../numerics/accumulate'
import type { Matrix32 } from '../numerics/matrix'
import type { QuantizedWeight, ReadableCodes } from '../quantizers/quantizer'
import { quantizerFor } from '../quantizers/registry'

/** What a base has of a linear. */
export interface BaseWeight {
  /** Codes with their scales; of a linear that is kept in full precision its weight [out, in], row-major. */
  readonly held: QuantizedWeight | Float32Array
  /** Digests of what it is stored as. */
  readonly fingerprint: LinearFingerprint
}

/**
 * Q [out, in] of a linear, row-major: what its codes stand for.
 *
 * @param target - where the values of codes are put; a new array when left out
 */
export const valuesOf = (
  { outFeatures, inFeatures }: Pick<ModelLinear, 'outFeatures' | 'inFeatures'>,
  { held }: Pick<BaseWeight, 'held'>,
  spec: QuantizerSpec,
  target?: Float32Array
): Float32Array =>
  held instanceof Float32Array ? held : quantizerFor(spec).dequantize(held, outFeatures * inFeatures, spec, target)

/** The error of a linear's weight [out, in] that became Q: W − Q. */
export const errorOf = (
  { outFeatures, inFeatures }: Pick<ModelLinear, 'outFeatures' | 'inFeatures'>,
  weight: Float32Array,
  Q: Float32Array
): Matrix32 => ({ data: difference(weight, Q), rows: outFeatures, cols: inFeatures })

/** The codes of a linear as a device that keeps tensors reads them; undefined where Q is made here. @throws {AppError} DEVICE */
export async function codesWhere(
  memory: DeviceMemory,
  { outFeatures: rows, inFeatures: cols }: Pick<ModelLinear, 'outFeatures' | 'inFeatures'>,
  { held }: Pick<BaseWeight, 'held'>,
  spec: QuantizerSpec
): Promise<ReadableCodes | undefined> {
  if (held instanceof Float32Array) return undefined
  return quantizerFor(spec).codesThere?.(memory, held, { rows, cols }, spec)
}
