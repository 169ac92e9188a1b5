import { type LinearAlgebra, SharedMatrices } from '../graph/linearAlgebra'
import type { SecondMoment } from './secondMoment'

/**
 * Does pieces of work one after the other, each holding what it names on the device, and gives what they find, in their order. H
 * of an input that several of them take goes there with the first, and leaves with the last of them or when the work ends,
 * however it does.
 *
 * @param moments - of the input of each piece
 * @throws what the first piece that fails throws
 */
export async function* sharingMoments<Piece, Result>(
  algebra: LinearAlgebra,
  pieces: readonly Piece[],
  momentOf: (piece: Piece) => SecondMoment,
  work: (piece: Piece) => Promise<Result>
): AsyncGenerator<Result, void> {
  const moments = pieces.map(momentOf)
  const shared = new Map(moments.map((moment) => [moment, new SharedMatrices()]))
  try {
    for (const [place, piece] of pieces.entries()) {
      const moment = moments[place] as SecondMoment
      const found = await algebra.holding(() => work(piece), shared.get(moment))
      if (moments.lastIndexOf(moment) === place) {
        shared.get(moment)?.giveBack()
        moment.forgetRounded()
      }
      yield found
    }
  } finally {
    for (const matrices of shared.values()) matrices.giveBack()
  }
}

/** An input among those of a block, and its features. */
interface Reader {
  readonly input: number
  readonly inFeatures: number
}

/**
 * Features of the inputs whose H `sharingMoments` has at each of the linears of a block, in the order in which they are solved:
 * of those that a linear up to it takes and one from it on.
 */
export function sharedAt(linears: readonly Reader[]): number[][] {
  const inputs = linears.map(({ input }) => input)
  return linears.map((_, place) => {
    const open = new Set(inputs.slice(0, place + 1).filter((input) => inputs.lastIndexOf(input) >= place))
    return [...open].map((input) => (linears[inputs.indexOf(input)] as Reader).inFeatures)
  })
}
