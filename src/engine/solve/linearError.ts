import type { QuantizerSpec } from '../../shared/recipe'
import type { LinearFingerprint } from '../../shared/runFolder'
import { errorOf, quantizeWeight } from '../base/quantizeLinear'
import type { BaseWeight } from '../base/storedBase'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import { type DeviceTensor, giveBack } from '../graph/session'
import type { ModelLinear } from '../models/modelTensors'
import type { Matrix32 } from '../numerics/matrix'
import { fingerprintLinear } from '../quantizers/fingerprint'
import { quantizerFor } from '../quantizers/registry'

/** A linear with its weight. */
export interface WeightOfLinear {
  readonly linear: ModelLinear
  /** [out, in]. */
  readonly weight: Float32Array
  /** The same on the device, where it lies there: not given back here. */
  readonly lies?: DeviceTensor | undefined
}

export interface LinearError {
  /** [out, in]; on a device it is the caller's to give back. */
  readonly Q: Float32Array | DeviceTensor
  /** W − Q. */
  readonly E: Matrix32
  readonly fingerprint: LinearFingerprint
}

/**
 * What a linear's weight becomes under a quantizer, or what a base holds of it, and the error. Where the work may leave
 * matrices on a device, both are made there if the format's graphs give the same bits, and E comes back for what is computed in
 * float64.
 *
 * @throws {AppError} NUMERICS naming the linear; DEVICE when the device fails
 */
export async function linearError(
  algebra: LinearAlgebra,
  { linear, weight, lies }: WeightOfLinear,
  spec: QuantizerSpec,
  base: BaseWeight | undefined
): Promise<LinearError> {
  if (base === undefined) {
    const W = { data: weight, rows: linear.outFeatures, cols: linear.inFeatures }
    const there = await errorThere(algebra, linear.path, W, spec, lies)
    if (there !== undefined) return there
  }
  const { Q, fingerprint } = base ?? quantizeWeight(linear, weight, spec)
  return { Q, fingerprint, E: errorOf(linear, weight, Q) }
}

async function errorThere(
  algebra: LinearAlgebra,
  path: string,
  W: Matrix32,
  spec: QuantizerSpec,
  lies: DeviceTensor | undefined
): Promise<LinearError | undefined> {
  const memory = algebra.held
  const found = memory && (await quantizerFor(spec).quantizeThere?.(memory, W, spec, lies))
  if (memory === undefined || found === undefined) return undefined
  const { quantized, Q, E } = found
  try {
    const { data } = await memory.read(E)
    const error = algebra.adopt({ data: data as Float32Array, rows: W.rows, cols: W.cols }, E)
    return { Q, E: error, fingerprint: fingerprintLinear(path, quantized) }
  } catch (error) {
    giveBack([Q, E])
    throw error
  }
}
