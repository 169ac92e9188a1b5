import { AppError } from '../../shared/errors'
import { addInto, mirrorUpper } from '../numerics/accumulate'
import { type Matrix64, zeros64 } from '../numerics/matrix'

/** A rectangle of some batches' Gram matrix of one layer input, by rows; its first entry stands at (row, column). */
interface GramPart {
  readonly input: number
  readonly row: number
  readonly column: number
  readonly rows: number
  readonly columns: number
  readonly data: Float32Array
}

/**
 * Adds up the second moments of a block's distinct layer inputs.
 *
 *     gram = Σ x xᵀ,   H = gram / tokenCount
 *
 * What is added is a float32 sum of some batches, of at most some ten thousand tokens; these are added up in float64. Of each
 * only the upper triangle counts. Padding enters neither the sum nor the count.
 */
export class SecondMoments {
  readonly #grams: Matrix64[]
  #tokenCount = 0

  /** @param inputs - features of each distinct input */
  constructor(readonly inputs: readonly number[]) {
    this.#grams = inputs.map((features) => zeros64(features, features))
  }

  add(parts: readonly GramPart[], tokenCount: number): void {
    for (const { input, row, column, rows, columns, data } of parts) {
      addInto(this.#gram(input), { data, rows, cols: columns }, row, column)
    }
    this.#tokenCount += tokenCount
  }

  get tokenCount(): number {
    return this.#tokenCount
  }

  /** Hands out H of one input, [features, features], and forgets it; call once. */
  take(input: number): Float64Array {
    const gram = this.#gram(input)
    mirrorUpper(gram, 1 / this.#tokenCount)
    this.#grams[input] = zeros64(0, 0)
    return gram.data
  }

  #gram(input: number): Matrix64 {
    const gram = this.#grams[input]
    if (gram === undefined) throw new AppError('INTERNAL', `no layer input ${input}`)
    return gram
  }
}
