import type { Refinement } from '../../shared/refinement'

/** Share of the steps over which the rate rises. */
const WARM_UP = 0.1
/** The rate at rank 16, and how it falls with the rank: docs/numerics.md has the measurements. */
const RATE_AT_16 = 0.035
const FALL = 1.1
/** Of small ranks: more does not help them. */
const MOST = 0.08
/** Fewer steps than these have less time to come back from what large ones did. */
const ENOUGH_STEPS = 48
const FEW_STEPS = 0.8

/** The largest step of an entry, as a share of its typical size, where the recipe says nothing. */
export const defaultRate = (rank: number, steps: number): number =>
  Math.min(MOST, RATE_AT_16 * (16 / rank) ** FALL) * Math.min(1, steps / ENOUGH_STEPS) ** FEW_STEPS

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
