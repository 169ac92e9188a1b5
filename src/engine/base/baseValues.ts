import type { QuantizerSpec } from '../../shared/recipe'
import type { DeviceMemory } from '../graph/deviceMemory'
import { type DeviceTensor, giveBack } from '../graph/session'
import type { ModelLinear } from '../models/modelTensors'
import { quantizerFor } from '../quantizers/registry'
import { type BaseWeight, valuesOf } from './baseWeight'
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
  const shape = { rows: linear.outFeatures, cols: linear.inFeatures }
  const there =
    held instanceof Float32Array ? undefined : await quantizerFor(spec).dequantizeThere?.(memory, held, shape, spec)
  return there ?? valuesOf(linear, { held }, spec, target?.())
}

/**
 * What a linear's weight becomes under a quantizer, on a device that keeps tensors where that gives the same bits.
 *
 * @param target - as for `valuesWhere`
 * @throws {AppError} NUMERICS naming the linear; DEVICE when the device fails
 */
export async function quantizedWhere(
  memory: DeviceMemory,
  { linear, weight, lies }: WeightOfLinear,
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

/** Q of a linear by either, as `quantizeLinear` has its codes. @throws {AppError} as both; what reading the base throws */
export async function baseValues(
  memory: DeviceMemory,
  own: WeightOfLinear,
  spec: QuantizerSpec,
  base: StoredBase | undefined
): Promise<BaseValues['Q']> {
  if (base === undefined) return (await quantizedWhere(memory, own, spec)).Q
  return valuesWhere(memory, own.linear, await base.read(own.linear), spec)
}
