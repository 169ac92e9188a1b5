import type { Recommendation } from '../../shared/headline'

interface Named {
  readonly name: string
}

/** The recommendation to go on with: the first that makes its base no worse; where all do, the first. */
export const goOnWith = <T extends Named>(found: readonly Recommendation<T>[]): Recommendation<T> | undefined =>
  found.find(({ harmful }) => !harmful) ?? found[0]

/** What to do with it, in the words that come before the code. */
export const nextStep = ({ variant: { name }, harmful }: Recommendation<Named>): string =>
  harmful
    ? `Next: train without one of these adapters, as none made the base better, or fine-tune ${name} all the same`
    : `Next: fine-tune ${name}`
