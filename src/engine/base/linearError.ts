import type { QuantizerSpec } from '../../shared/recipe'
import type { LinearFingerprint } from '../../shared/runFolder'
import type { DeviceMemory } from '../graph/deviceMemory'
import { readRows } from '../graph/deviceRows'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import { DeviceTensor, giveBack } from '../graph/session'
import type { BlockWeights } from '../models/blockWeights'
import type { ModelLinear } from '../models/modelTensors'
import type { Matrix32 } from '../numerics/matrix'
import { errorThere } from '../quantizers/codesThere'
import { fingerprintLinear } from '../quantizers/fingerprint'
import { quantizerFor } from '../quantizers/registry'
import { type BaseWeight, errorOf, valuesOf } from './baseWeight'
import { quantizeWeight } from './quantizeLinear'

/** A linear with its weight. */
export interface WeightOfLinear {
  readonly linear: ModelLinear
  /** [out, in]. */
  readonly weight: Float32Array
  /** The same on the device, where it lies there: not given back here. */
  readonly lies?: DeviceTensor | undefined
}

/** A weight among those of a block, where it lies on a device. */
export function liesIn({ linears }: BlockWeights, { name }: { readonly name: string }): DeviceTensor | undefined {
  const weight = linears.get(name)
  return weight instanceof DeviceTensor ? weight : undefined
}

export interface LinearError {
  /** [out, in]; on a device it is the caller's to give back. */
  readonly Q: Float32Array | DeviceTensor
  /** W − Q. */
  readonly E: Matrix32
  readonly fingerprint: LinearFingerprint
}

/**
 * What a linear's weight becomes under a quantizer, or what a base has of it, and the error. Where the work may leave matrices on
 * a device, both are made there if its graphs give the same bits, from the weight or from codes, and E comes back for what is
 * computed in float64.
 *
 * @throws {AppError} NUMERICS naming the linear; DEVICE when the device fails
 */
export async function linearError(
  algebra: LinearAlgebra,
  own: WeightOfLinear,
  spec: QuantizerSpec,
  base: BaseWeight | undefined
): Promise<LinearError> {
  const { linear, weight } = own
  const memory = algebra.held
  const made = base === undefined && memory !== undefined ? await quantizedThere(memory, own, spec) : undefined
  if (made !== undefined && memory !== undefined) return adopted(algebra, memory, own, made)
  const found = base ?? quantizeWeight(linear, weight, spec)
  const there = memory && (await dequantizedThere(memory, own, spec, found))
  if (memory !== undefined && there !== undefined) return adopted(algebra, memory, own, there)
  const Q = valuesOf(linear, found, spec)
  return { Q, fingerprint: found.fingerprint, E: errorOf(linear, weight, Q) }
}

/** Both on the device, with the digests of the codes. */
interface ErrorThere extends Pick<LinearError, 'fingerprint'> {
  readonly Q: DeviceTensor
  readonly E: DeviceTensor
}

async function quantizedThere(
  memory: DeviceMemory,
  own: WeightOfLinear,
  spec: QuantizerSpec
): Promise<ErrorThere | undefined> {
  const found = await quantizerFor(spec).quantizeThere?.(memory, matrixOf(own), spec, own.lies)
  return found && { ...found, fingerprint: fingerprintLinear(own.linear.path, found.quantized) }
}

async function dequantizedThere(
  memory: DeviceMemory,
  own: WeightOfLinear,
  spec: QuantizerSpec,
  { held, fingerprint }: BaseWeight
): Promise<ErrorThere | undefined> {
  if (held instanceof Float32Array) return undefined
  const W = matrixOf(own)
  const Q = await quantizerFor(spec).dequantizeThere?.(memory, held, W, spec)
  if (Q === undefined) return undefined
  let E: DeviceTensor | undefined
  try {
    E = await errorThere(memory, W, Q, own.lies)
  } finally {
    if (E === undefined) giveBack([Q])
  }
  return E && { Q, E, fingerprint }
}

/** E as the work takes it, which gives it back, and as what is computed in float64 does. */
async function adopted(
  algebra: LinearAlgebra,
  memory: DeviceMemory,
  own: WeightOfLinear,
  { Q, E, fingerprint }: ErrorThere
): Promise<LinearError> {
  try {
    const shape = { rows: own.linear.outFeatures, cols: own.linear.inFeatures }
    const data = await readRows(memory, { values: E, ...shape })
    return { Q, E: algebra.adopt({ data, ...shape }, E), fingerprint }
  } catch (error) {
    giveBack([Q, E])
    throw error
  }
}

const matrixOf = ({ linear, weight }: WeightOfLinear): Matrix32 => ({
  data: weight,
  rows: linear.outFeatures,
  cols: linear.inFeatures
})
