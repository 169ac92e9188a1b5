import type { FactorDtype } from '../../shared/recipe'
import { type LoraFactors, roundFactors } from '../methods/factors'
import type { Adapter } from '../models/blockWeights'
import type { PreparedLinear } from '../models/modelLinears'
import { type AdamMoments, adamMoments, adamStep } from '../numerics/adam'
import type { Matrix32 } from '../numerics/matrix'

/** Arrays of one linear in the flat state: A, B, and the moments of their gradients. */
const ARRAYS_OF_A = 3

/** One step of Adam: its number, from 1 on, and the largest change as a share of an entry's typical size. */
export interface AdamSettings {
  readonly step: number
  readonly rate: number
}

/** A matrix that learns. */
interface Trained {
  readonly values: Matrix32
  readonly moments: AdamMoments
  /** Size of a typical entry: what a step is a share of. */
  readonly scale: number
}

/**
 * One linear's adapter while it learns. The matrices are √s times those of PEFT, so that their product is the correction
 * s · B · A itself and a step means the same whatever alpha is.
 *
 * Steps are shares of the entries that balanced factors of rank r of the whole error E [m, n] would have: with
 * c = (‖E‖ / √(m n r))^½, entries of A are about c (m / n)^¼ and entries of B about c (n / m)^¼.
 */
export class TrainedLinear {
  readonly A: Trained
  readonly B: Trained

  /** @param state - `size` floats, where all of it lies; kept and written to */
  constructor(
    readonly linear: PreparedLinear,
    private readonly scaling: number,
    rank: number,
    frobenius: number,
    state: Float32Array
  ) {
    const { inFeatures, outFeatures } = linear
    const typical = Math.sqrt(Math.sqrt(frobenius / (inFeatures * outFeatures * rank)))
    const ratio = (outFeatures / inFeatures) ** 0.25
    const split = ARRAYS_OF_A * rank * inFeatures
    this.A = trained(state.subarray(0, split), rank, inFeatures, typical * ratio)
    this.B = trained(state.subarray(split), outFeatures, rank, typical / ratio)
  }

  /** Floats of the state of a linear. */
  static size = ({ inFeatures, outFeatures }: PreparedLinear, rank: number): number =>
    ARRAYS_OF_A * rank * (inFeatures + outFeatures)

  /** Begins at an adapter's factors, with no moments. */
  start({ loraA, loraB }: LoraFactors): void {
    const root = Math.sqrt(this.scaling)
    for (const [{ values, moments }, from] of [
      [this.A, loraA],
      [this.B, loraB]
    ] as const) {
      for (let i = 0; i < values.data.length; i++) values.data[i] = root * (from.data[i] as number)
      moments.mean.fill(0)
      moments.square.fill(0)
    }
  }

  /** The adapter as it is now. */
  get adapter(): Adapter {
    return { A: this.A.values, B: this.B.values }
  }

  /** As a file of the dtype would hold it, in PEFT's scale. */
  stored(dtype: FactorDtype): LoraFactors {
    const root = Math.sqrt(this.scaling)
    const unscaled = ({ values: { data, rows, cols } }: Trained) => ({ data: data.map((x) => x / root), rows, cols })
    return roundFactors({ loraA: unscaled(this.A), loraB: unscaled(this.B) }, dtype)
  }

  /**
   * Takes the gradients of A and B, summed over the batch, into their moments.
   *
   * @returns Σ c |g| over the entries of both: how fast the loss falls, at first, with the rate of a step
   */
  learn(gradient: { readonly A: Float32Array; readonly B: Float32Array }): number {
    let slope = 0
    for (const [{ moments, scale }, of] of [
      [this.A, gradient.A],
      [this.B, gradient.B]
    ] as const) {
      adamMoments(moments, of)
      slope += scale * of.reduce((sum, value) => sum + Math.abs(value), 0)
    }
    return slope
  }

  /** One step along the moments. */
  move({ step, rate }: AdamSettings): void {
    for (const { values, moments, scale } of [this.A, this.B]) adamStep(values.data, moments, rate * scale, step)
  }
}

/** The adapter that PEFT makes of stored factors: s is a part of B. */
export const adapterOf = ({ loraA, loraB }: LoraFactors, scaling: number): Adapter => ({
  A: loraA,
  B: { ...loraB, data: loraB.data.map((value) => value * scaling) }
})

function trained(state: Float32Array, rows: number, cols: number, scale: number): Trained {
  const size = rows * cols
  const part = (i: number): Float32Array => state.subarray(i * size, (i + 1) * size)
  return { values: { data: part(0), rows, cols }, moments: { mean: part(1), square: part(2) }, scale }
}
