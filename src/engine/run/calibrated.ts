import type { SecondMoment } from '../methods/secondMoment'

/** What the calibration rows say of a block. */
export interface Calibrated {
  /** H of each distinct input. */
  readonly moments: readonly SecondMoment[]
  /** tr(W H Wᵀ) of each linear, by name. */
  readonly energies: ReadonlyMap<string, number>
}
