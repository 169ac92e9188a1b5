import type { QuantizerSpec } from '../../shared/recipe'
import type { DeviceMemory } from '../graph/deviceMemory'
import { type DeviceTensor, giveBack } from '../graph/session'
import type { ModelLinear } from '../models/modelTensors'
import type { ModelWeights } from '../models/modelWeights'
import type { PackedUploads } from '../models/packedUploads'
import type { Lying } from '../quantizers/quantizedRows'
import { quantizerFor } from '../quantizers/registry'
import { type BaseWeight, codesWhere, valuesOf } from './baseWeight'
import type { WeightOfLinear } from './linearError'
import { quantizeWeight } from './quantizeLinear'
import type { StoredBase } from './storedBase'

/** Q [out, in] where batches take it, with the codes that it was made of. */
export interface BaseValues extends Pick<BaseWeight, 'held'> {
  /** On a device it is the caller's to give back. */
  readonly Q: Float32Array | DeviceTensor
}

/**
 * Q of what a base has of a linear: made of its codes on a device that keeps tensors, where that gives the same bits.
 *
 * @param target - gives the array that it is put into if it is made here; a new one when left out
 * @throws {AppError} DEVICE when the device fails
 */
export async function valuesWhere(
  memory: DeviceMemory,
  linear: Pick<ModelLinear, 'outFeatures' | 'inFeatures'>,
  { held }: Pick<BaseWeight, 'held'>,
  spec: QuantizerSpec,
  target?: () => Float32Array
): Promise<Float32Array | DeviceTensor> {
  const codes = await codesWhere(memory, linear, { held }, spec)
  return codes === undefined ? valuesOf(linear, { held }, spec, target?.()) : codes.values()
}

/**
 * What a linear's weight becomes under a quantizer, on a device that keeps tensors where that gives the same bits.
 *
 * @param target - as for `valuesWhere`
 * @throws {AppError} NUMERICS naming the linear; DEVICE when the device fails
 */
export async function quantizedWhere(
  memory: DeviceMemory,
  { linear, weight, lies }: Omit<WeightOfLinear, 'lies'> & { readonly lies?: Lying | undefined },
  spec: QuantizerSpec,
  target?: () => Float32Array
): Promise<BaseValues> {
  const W = { data: weight, rows: linear.outFeatures, cols: linear.inFeatures }
  const there = await quantizerFor(spec).quantizeThere?.(memory, W, spec, lies)
  if (there !== undefined) {
    giveBack([there.E])
    return { held: there.quantized, Q: there.Q }
  }
  const { held } = quantizeWeight(linear, weight, spec)
  return { held, Q: await valuesWhere(memory, linear, { held }, spec, target) }
}

/**
 * The same of a weight that is read for it, and goes to the device as the bits that it is stored in, where these are 16.
 *
 * @throws {AppError} as `quantizedWhere`; what reading throws
 */
export async function quantizedAsRead(
  uploads: PackedUploads,
  weights: ModelWeights,
  linear: ModelLinear,
  spec: QuantizerSpec,
  target?: () => Float32Array
): Promise<BaseValues> {
  const { memory } = uploads
  const { path, outFeatures, inFeatures } = linear
  const { values: weight, bits } = await weights.readLinearWithBits(path, linear, memory.keepsTensors)
  const lies = () => uploads.carry({ data: weight, shape: [outFeatures, inFeatures] }, bits)
  return quantizedWhere(memory, { linear, weight, lies }, spec, target)
}

/** Q of a linear by either, as `quantizeLinear` has its codes. @throws {AppError} as both; what reading the base throws */
export async function baseValues(
  uploads: PackedUploads,
  { weights, base }: { readonly weights: ModelWeights; readonly base: StoredBase | undefined },
  linear: ModelLinear,
  spec: QuantizerSpec
): Promise<BaseValues['Q']> {
  if (base === undefined) return (await quantizedAsRead(uploads, weights, linear, spec)).Q
  return valuesWhere(uploads.memory, linear, await base.read(linear), spec)
}
