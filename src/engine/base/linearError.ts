import type { QuantizerSpec } from '../../shared/recipe'
import type { LinearFingerprint } from '../../shared/runFolder'
import type { DeviceMemory } from '../graph/deviceMemory'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import { DeviceTensor, giveBack } from '../graph/session'
import type { BlockWeights } from '../models/blockWeights'
import type { ModelLinear } from '../models/modelTensors'
import { difference } from '../numerics/accumulate'
import { LateMatrix, type Matrix32 } from '../numerics/matrix'
import { errorThere } from '../quantizers/codesThere'
import { fingerprintLinear } from '../quantizers/fingerprint'
import type { QuantizedWeight } from '../quantizers/quantizer'
import { quantizerFor } from '../quantizers/registry'
import { type BaseWeight, codesWhere, errorOf, valuesOf } from './baseWeight'
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
  /** W − Q; where it was made on a device, its values here are made when they are first asked for. */
  readonly E: Matrix32
  readonly fingerprint: LinearFingerprint
}

/**
 * What a linear's weight becomes under a quantizer, or what a base has of it, and the error. Where the work may leave matrices on
 * a device, both are made there if its graphs give the same bits, from the weight or from codes. What is computed in float64
 * takes E as it is made here of these codes: it would be eight times their bytes on the way back.
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
  if (made !== undefined) return adopted(algebra, own, spec, made)
  const found = base ?? quantizeWeight(linear, weight, spec)
  const there = memory && (await dequantizedThere(memory, own, spec, found))
  if (there !== undefined) return adopted(algebra, own, spec, there)
  const Q = valuesOf(linear, found, spec)
  return { Q, fingerprint: found.fingerprint, E: errorOf(linear, weight, Q) }
}

/** Both on the device, with the codes that they are made of. */
interface ErrorThere extends Pick<LinearError, 'fingerprint'> {
  readonly held: QuantizedWeight
  readonly Q: DeviceTensor
  readonly E: DeviceTensor
}

async function quantizedThere(
  memory: DeviceMemory,
  own: WeightOfLinear,
  spec: QuantizerSpec
): Promise<ErrorThere | undefined> {
  const found = await quantizerFor(spec).quantizeThere?.(memory, matrixOf(own), spec, own.lies)
  if (found === undefined) return undefined
  const { quantized: held, Q, E } = found
  return { held, Q, E, fingerprint: fingerprintLinear(own.linear.path, held) }
}

async function dequantizedThere(
  memory: DeviceMemory,
  own: WeightOfLinear,
  spec: QuantizerSpec,
  { held, fingerprint }: BaseWeight
): Promise<ErrorThere | undefined> {
  const codes = await codesWhere(memory, own.linear, { held }, spec)
  if (codes === undefined || held instanceof Float32Array) return undefined
  const W = matrixOf(own)
  const Q = await codes.values()
  let E: DeviceTensor | undefined
  try {
    E = await errorThere(memory, W, Q, own.lies)
  } finally {
    if (E === undefined) giveBack([Q])
  }
  return E && { held, Q, E, fingerprint }
}

/** E as the work takes it, which gives it back, and as what is computed in float64 does. */
function adopted(
  algebra: LinearAlgebra,
  { linear, weight }: WeightOfLinear,
  spec: QuantizerSpec,
  { held, Q, E, fingerprint }: ErrorThere
): LinearError {
  const valuesHere = (): Float32Array => {
    const values = valuesOf(linear, { held }, spec)
    return difference(weight, values, values)
  }
  const late = new LateMatrix(linear.outFeatures, linear.inFeatures, valuesHere)
  return { Q, E: algebra.adopt(late, E), fingerprint }
}

const matrixOf = ({ linear, weight }: WeightOfLinear): Matrix32 => ({
  data: weight,
  rows: linear.outFeatures,
  cols: linear.inFeatures
})
