import type { Tensor, Tensors } from '../graph/session'
import type { BlockWeights } from './blockWeights'
import { addedInput, type GramOutput } from './gramTiles'
import { MOST_TOGETHER } from './residentGrams'

/**
 * Gram matrices of a block as graphs add them up in this program's memory: each batch's product is added where those of the
 * batches before it lie, input and output being one array. A Gemm first puts its third input where its output goes, which
 * changes nothing here, and then adds to it.
 */
export class HostGrams {
  #sums: Record<string, Tensor> | undefined
  /** The weights that the sums belong to. */
  #linears: BlockWeights['linears'] | undefined
  #batches = 0

  /** Where a batch is added and given, by output: what those before it left, or zeros. */
  sumsOf(tiles: readonly GramOutput[], linears: BlockWeights['linears']): Tensors {
    // What a calibration that was stopped left behind is forgotten.
    if (this.#sums === undefined || this.#linears !== linears) {
      this.#sums = Object.fromEntries(tiles.map((tile) => [tile.output, zeros([tile.rows, tile.columns])]))
      this.#linears = linears
      this.#batches = 0
    }
    return this.#sums
  }

  /**
   * Takes note of a batch that was added.
   *
   * @param more - whether another batch with these weights follows, with which it may be given
   * @returns what was added up, where it is time for that: the caller's own
   */
  take(more: boolean): Tensors | undefined {
    this.#batches++
    if (more && this.#batches < MOST_TOGETHER) return undefined
    const sums = this.#sums
    this.#sums = undefined
    return sums
  }
}

/** The sums as inputs of the graph. */
export const addedFeeds = (sums: Tensors): Tensors =>
  Object.fromEntries(Object.entries(sums).map(([output, sum]) => [addedInput(output), sum]))

const zeros = (shape: readonly [number, number]): Tensor => ({ data: new Float32Array(shape[0] * shape[1]), shape })
