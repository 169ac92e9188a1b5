import type { Refinement } from '../../shared/refinement'

/** Share of the steps over which the rate rises. */
const WARM_UP = 0.1
/** What the largest step promises, as a share of the divergence at the start: docs/numerics.md has the measurements. */
const PROMISED = 0.9
/** Bounds, for models that quantization leaves as they are: L and its gradient are then rounding. */
const MOST = 0.1
const LEAST = 1e-6
/** Fewer steps than these have less time to come back from what large ones did. */
const ENOUGH_STEPS = 48
const FEW_STEPS = 0.8

/** What the gradient of the first step's rows tells at the start. */
export interface FirstGradient {
  /** L, mean over the predicted tokens of the rows, nats. */
  readonly divergence: number
  /** Σ c |∂L/∂w| over all entries of the factors, c being the typical size of each: how fast L falls with the rate. */
  readonly slope: number
}

/**
 * The largest step of an entry, as a share ρ of its typical size, where the recipe says nothing.
 *
 *     ρ = 0.9 · L / Σ c |∂L/∂w| · min(1, n / 48)^0.8
 *
 * Gradients of few rows are mostly noise, so that Adam's steps have the size ρ c whatever their sign is worth: they keep the
 * factors about their optimum with an excess in proportion to ρ Σ c |∂L/∂w|, whatever the curvature. So that, and no number
 * of ranks, layers or tokens, is what a rate can be chosen by.
 *
 * @param steps - n
 */
export function foundRate({ divergence, slope }: FirstGradient, steps: number): number {
  const rate = slope > 0 ? (PROMISED * divergence) / slope : MOST
  return Math.max(LEAST, Math.min(MOST, rate)) * Math.min(1, steps / ENOUGH_STEPS) ** FEW_STEPS
}

/**
 * The rate of a step: it rises over the first tenth and then falls to nothing along a cosine.
 *
 * @param step - from 1 on
 */
export function rateOf(
  step: number,
  { steps, learningRate }: Required<Pick<Refinement, 'steps' | 'learningRate'>>
): number {
  const rising = Math.max(1, Math.round(WARM_UP * steps))
  const share = step <= rising ? step / rising : (1 + Math.cos((Math.PI * (step - rising)) / (steps - rising + 1))) / 2
  return share * learningRate
}
