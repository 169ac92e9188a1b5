import { type LinearAlgebra, SharedMatrices } from '../graph/linearAlgebra'
import type { SecondMoment } from './secondMoment'

/** Second moments as they lie on the device, for pieces of work that come one after the other. */
export class MomentsThere {
  readonly #shared = new Map<SecondMoment, SharedMatrices>()

  /** Where H of an input lies for the pieces that take it. */
  of(moment: SecondMoment): SharedMatrices {
    const known = this.#shared.get(moment) ?? new SharedMatrices()
    this.#shared.set(moment, known)
    return known
  }

  leave(moment: SecondMoment): void {
    this.#shared.get(moment)?.giveBack()
    this.#shared.delete(moment)
  }

  giveBack(): void {
    for (const moment of this.#shared.keys()) this.leave(moment)
  }
}

/** Pieces of work among others that take the same inputs. */
export interface Sharing {
  /** The caller's to give back. */
  readonly there: MomentsThere
  /** Whether H stays there for others that follow. */
  readonly again: boolean
}

/**
 * Does pieces of work one after the other, each holding what it names on the device, and gives what they find, in their order. H
 * of an input that several of them take goes there with the first, and leaves with the last of them or when the work ends,
 * however it does; where others follow it stays.
 *
 * @param moments - of the input of each piece
 * @throws what the first piece that fails throws
 */
export async function* sharingMoments<Piece, Result>(
  algebra: LinearAlgebra,
  pieces: readonly Piece[],
  momentOf: (piece: Piece) => SecondMoment,
  work: (piece: Piece) => Promise<Result>,
  { there, again }: Sharing = { there: new MomentsThere(), again: false }
): AsyncGenerator<Result, void> {
  const moments = pieces.map(momentOf)
  try {
    for (const [place, piece] of pieces.entries()) {
      const moment = moments[place] as SecondMoment
      const found = await algebra.holding(() => work(piece), there.of(moment))
      if (moments.lastIndexOf(moment) === place) {
        if (!again) there.leave(moment)
        moment.forgetRounded()
      }
      yield found
    }
  } finally {
    if (!again) there.giveBack()
  }
}

/** An input among those of a block, and its features. */
interface Reader {
  readonly input: number
  readonly inFeatures: number
}

/**
 * Features of the inputs whose H `sharingMoments` has at each of the linears of a block, in the order in which they are solved:
 * of those that a linear up to it takes and one from it on, or where they are solved several times, of all.
 */
export function sharedAt(linears: readonly Reader[], times = 1): number[][] {
  const inputs = linears.map(({ input }) => input)
  const featuresOf = (input: number): number => (linears[inputs.indexOf(input)] as Reader).inFeatures
  if (times > 1) return linears.map(() => [...new Set(inputs)].map(featuresOf))
  return linears.map((_, place) => {
    const open = new Set(inputs.slice(0, place + 1).filter((input) => inputs.lastIndexOf(input) >= place))
    return [...open].map(featuresOf)
  })
}
