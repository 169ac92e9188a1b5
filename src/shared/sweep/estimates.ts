import { estimateText, shareText } from '../uncertainty'

/** One figure of a sweep, over its seeds. */
export interface SeedEstimate {
  /** Over the seeds that are measured. */
  readonly mean: number
  /** Standard deviation over these seeds; undefined of fewer than two. */
  readonly deviation: number | undefined
  /** Standard error over the rows of the evaluation text, which all seeds share: the mean of the seeds'. */
  readonly rowError: number | undefined
  /** The seeds' own. */
  readonly values: readonly number[]
}

interface OfSeed {
  readonly value: number
  readonly error: number | null | undefined
}

/**
 * Mean m = Σ xₖ / n of the seeds, and their standard deviation √(Σ (xₖ − m)² / (n − 1)): how far another choice of
 * calibration rows moves the figure.
 *
 * @returns undefined where no seed has a value
 */
export function estimateOf(seeds: readonly OfSeed[]): SeedEstimate | undefined {
  const values = seeds.map(({ value }) => value)
  if (values.length === 0) return undefined
  const mean = meanOf(values)
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const errors = seeds.flatMap(({ error }) => (typeof error === 'number' ? [error] : []))
  return {
    mean,
    deviation: values.length < 2 ? undefined : Math.sqrt(squares / (values.length - 1)),
    rowError: errors.length < values.length ? undefined : meanOf(errors),
    values
  }
}

/** Of differences from the first value, so that equal values have it as their mean, with no rounding for a deviation. */
function meanOf(values: readonly number[]): number {
  const first = values[0] ?? Number.NaN
  return first + values.reduce((sum, value) => sum + (value - first), 0) / values.length
}

/** `85.93 ± 0.02 (2.79)`: the mean, its standard deviation over seeds, and in brackets the standard error over rows. */
export const seedsText = ({ mean, deviation, rowError }: SeedEstimate, digits = 4): string =>
  `${estimateText(mean, deviation, digits)}${rowError ? ` (${estimateText(rowError, undefined, 2)})` : ''}`

/** The same of a share, as per cent: `63.7 ± 1.2 % (4.6)`. */
export const seedsShare = ({ mean, deviation, rowError }: SeedEstimate): string =>
  `${shareText(mean, deviation)}${rowError ? ` (${(100 * rowError).toFixed(1)})` : ''}`

/** What ± and brackets mean, as a sentence. */
export function errorWords(seeds: number): string {
  const rows = 'in brackets one standard error over the rows of the evaluation text, which all seeds share'
  return seeds < 2
    ? `One seed, so no standard deviation over seeds; ${rows}.`
    : `± is one standard deviation over ${seeds} seeds, each with other rows of the calibration text; ${rows}.`
}
