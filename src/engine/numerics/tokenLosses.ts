/** One tile of the vocabulary for a batch of positions: max and Σ exp(logit − max) over the tile, the target's logit. */
export interface VocabularyTile {
  readonly max: Float32Array
  readonly sum: Float32Array
  readonly target: Float32Array
}

/**
 * Negative log likelihoods of many positions, gathered over tiles of the vocabulary in float64.
 *
 *     −log p(target) = M + log Σ_tiles sum · exp(max − M) − logit(target),   M = running maximum
 *
 * Source: the streaming softmax of Milakov & Gimelshein, arXiv 1805.02867.
 */
export class TokenLosses {
  readonly #max: Float64Array
  readonly #sum: Float64Array
  readonly #target: Float64Array

  constructor(positions: number) {
    this.#max = new Float64Array(positions).fill(Number.NEGATIVE_INFINITY)
    this.#sum = new Float64Array(positions)
    this.#target = new Float64Array(positions)
  }

  /**
   * @param first - position of the batch's first entry
   * @param holdsTarget - whether entry i's target lies in this tile
   */
  add(first: number, { max, sum, target }: VocabularyTile, holdsTarget: (i: number) => boolean): void {
    for (let i = 0; i < max.length; i++) {
      const at = first + i
      const M = Math.max(this.#max[at], max[i])
      this.#sum[at] = this.#sum[at] * Math.exp(this.#max[at] - M) + sum[i] * Math.exp(max[i] - M)
      this.#max[at] = M
      if (holdsTarget(i)) this.#target[at] = target[i]
    }
  }

  /** Σ −log p over positions first … whose target is not negative. */
  total(first: number, targets: Int32Array): number {
    let total = 0
    for (let i = 0; i < targets.length; i++) {
      if (targets[i] < 0) continue
      const at = first + i
      total += this.#max[at] + Math.log(this.#sum[at]) - this.#target[at]
    }
    return total
  }
}
