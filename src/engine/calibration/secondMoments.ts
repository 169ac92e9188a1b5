import { AppError } from '../../shared/errors'
import { addInto, scaleInto } from '../numerics/accumulate'

/** A part of a batch's Gram matrix of one layer input: its rows from `begin` on. */
interface GramRows {
  readonly input: number
  readonly begin: number
  readonly data: Float32Array
}

/**
 * Adds up the second moments of a block's distinct layer inputs.
 *
 *     gram = Σ x xᵀ,   H = gram / tokenCount
 *
 * Each batch's Gram matrix is a float32 product of at most a few thousand tokens; batches are added up in float64.
 * Padding enters neither the sum nor the count.
 */
export class SecondMoments {
  readonly #grams: Float64Array[]
  #tokenCount = 0

  /** @param inputs - features of each distinct input */
  constructor(readonly inputs: readonly number[]) {
    this.#grams = inputs.map((features) => new Float64Array(features * features))
  }

  add(rows: readonly GramRows[], tokenCount: number): void {
    for (const { input, begin, data } of rows) {
      addInto(this.#gram(input), data, begin * (this.inputs[input] as number))
    }
    this.#tokenCount += tokenCount
  }

  get tokenCount(): number {
    return this.#tokenCount
  }

  /** Hands out H of one input, [features, features], and forgets it; call once. */
  take(input: number): Float64Array {
    const H = this.#gram(input)
    scaleInto(H, 1 / this.#tokenCount)
    this.#grams[input] = new Float64Array(0)
    return H
  }

  #gram(input: number): Float64Array {
    const gram = this.#grams[input]
    if (gram === undefined) throw new AppError('INTERNAL', `no layer input ${input}`)
    return gram
  }
}
