/** How much of an evaluation text the calibration rows have seen. */
export interface Coverage {
  readonly text: string
  /** Of the tokens that count, those that occur in the calibration rows. */
  readonly share: number
  /** Whether fewer rows may be taken, as many as are enough: then less is covered. */
  readonly atMost: boolean
}

/** `97.3 % of its tokens occur in the calibration rows`: of a text that was measured, where `share` is known. */
export const coveredText = (share: number): string =>
  `${(100 * share).toFixed(1)} % of its tokens occur in the calibration rows`

/** `97.3 % of the tokens of law-test.txt occur in the calibration rows`. */
export const coverageSentence = ({ text, share, atMost }: Coverage): string =>
  `${atMost ? 'at most ' : ''}${(100 * share).toFixed(1)} % of the tokens of ${text} occur in the calibration rows`
