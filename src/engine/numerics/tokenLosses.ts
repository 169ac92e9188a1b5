/**
 * One tile of the vocabulary for a batch of positions: max and Σ exp(logit − max) over the tile, the target's logit, and
 * the index in the tile of the first logit that is as large as max.
 */
export interface VocabularyTile {
  readonly max: Float32Array
  readonly sum: Float32Array
  readonly target: Float32Array
  readonly best: Int32Array
}

/** The same under other weights, with cross = Σ exp(t − max t) (t − s) over the tile: t of full precision, s of these. */
export interface ComparedTile extends VocabularyTile {
  readonly cross: Float32Array
}

/** Where a tile lies: `first` is the position of the batch's first entry, `begin` the token of the tile's first row. */
export interface TilePlace {
  readonly first: number
  readonly begin: number
  /** Whether entry i's target lies in this tile. */
  readonly holdsTarget: (i: number) => boolean
}

/** Factors that bring sums of exponentials to a new running maximum: of what was gathered before, and of the new tile. */
interface Rescaling {
  readonly kept: Float64Array
  readonly added: Float64Array
}

/**
 * Negative log likelihoods and most probable tokens of many positions, gathered over tiles of the vocabulary in float64.
 *
 *     −log p(target) = M + log Σ_tiles sum · exp(max − M) − logit(target),   M = running maximum
 *
 * Of logits that are equal the token with the lowest index is the most probable one, as torch.argmax has it.
 * Source: the streaming softmax of Milakov & Gimelshein, arXiv 1805.02867.
 */
export class TokenLosses {
  readonly #max: Float64Array
  readonly #sum: Float64Array
  readonly #target: Float64Array
  readonly #best: Int32Array

  constructor(positions: number) {
    this.#max = new Float64Array(positions).fill(Number.NEGATIVE_INFINITY)
    this.#sum = new Float64Array(positions)
    this.#target = new Float64Array(positions)
    this.#best = new Int32Array(positions)
  }

  /** Adds a tile; tiles come in any order. */
  add({ max, sum, target, best }: VocabularyTile, { first, begin, holdsTarget }: TilePlace): Rescaling {
    const kept = new Float64Array(max.length)
    const added = new Float64Array(max.length)
    for (let i = 0; i < max.length; i++) {
      const at = first + i
      const token = begin + best[i]
      const M = Math.max(this.#max[at], max[i])
      if (max[i] > this.#max[at] || (max[i] === this.#max[at] && token < this.#best[at])) this.#best[at] = token
      kept[i] = Math.exp(this.#max[at] - M)
      added[i] = Math.exp(max[i] - M)
      this.#sum[at] = this.#sum[at] * kept[i] + sum[i] * added[i]
      this.#max[at] = M
      if (holdsTarget(i)) this.#target[at] = target[i]
    }
    return { kept, added }
  }

  /** −log p of the target. */
  loss(at: number): number {
    return this.logSum(at) - this.#target[at]
  }

  /** log Σ exp(logit) over the vocabulary. */
  logSum(at: number): number {
    return this.#max[at] + Math.log(this.#sum[at])
  }

  /** Σ exp(logit − M) over the vocabulary, M its largest logit. */
  scaledSum(at: number): number {
    return this.#sum[at]
  }

  /** The most probable token. */
  best(at: number): number {
    return this.#best[at]
  }
}

/**
 * Losses of a model beside those of full precision, with their Kullback–Leibler divergence.
 *
 *     KL(p ‖ q) = Σⱼ pⱼ (tⱼ − sⱼ) − (log Σ exp t − log Σ exp s),   p = softmax(t) of full precision, q = softmax(s)
 *
 * in nats. Σⱼ pⱼ (tⱼ − sⱼ) is gathered over tiles as Σ_tiles cross · exp(max t − M) / Σ_tiles sum · exp(max t − M).
 */
export class ComparedLosses {
  readonly losses: TokenLosses
  readonly #cross: Float64Array

  constructor(positions: number) {
    this.losses = new TokenLosses(positions)
    this.#cross = new Float64Array(positions)
  }

  /** @param rescaling - what adding the same tile of the same positions to full precision gave */
  add(tile: ComparedTile, place: TilePlace, { kept, added }: Rescaling): void {
    this.losses.add(tile, place)
    for (let i = 0; i < tile.cross.length; i++) {
      const at = place.first + i
      this.#cross[at] = this.#cross[at] * kept[i] + tile.cross[i] * added[i]
    }
  }

  /** KL(full ‖ this), nats. */
  divergence(at: number, full: TokenLosses): number {
    return this.#cross[at] / full.scaledSum(at) - (full.logSum(at) - this.losses.logSum(at))
  }
}
