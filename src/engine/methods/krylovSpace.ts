import type { LinearAlgebra } from '../graph/linearAlgebra'
import type { Matrix64 } from '../numerics/matrix'
import { subtract, transposed, zeros64 } from '../numerics/matrix'
import { orthonormalize } from './orthonormalize'

/** A symmetric positive semi-definite operator on vectors of `size`, known only through its products. */
export interface SymmetricOperator {
  readonly size: number
  /** G · Y for Y [size, k]. */
  apply(Y: Matrix64): Promise<Matrix64>
}

/**
 * The space of a block Y and its images GY, G²Y, … as it grows: an orthonormal basis V of it, and T = VᵀGV in float64.
 *
 * Every block is made orthogonal to all before it, so T is what Rayleigh and Ritz ask for whatever rounding does to its band.
 * The basis is kept by rows: a block more is appended, and nothing is moved.
 */
export class KrylovSpace {
  #rows: Float64Array
  #T: Float64Array
  #size = 0
  #image: Matrix64 | undefined

  /** @param capacity - the most basis vectors that are ever kept */
  constructor(
    private readonly algebra: LinearAlgebra,
    private readonly operator: SymmetricOperator,
    readonly capacity: number
  ) {
    this.#rows = new Float64Array(capacity * operator.size)
    this.#T = new Float64Array(capacity * capacity)
  }

  /** Vectors in the basis. */
  get size(): number {
    return this.#size
  }

  /** Vᵀ [size, operator.size]: the basis by rows, without a copy. */
  get rows(): Matrix64 {
    const { size } = this.operator
    return { data: this.#rows.subarray(0, this.#size * size), rows: this.#size, cols: size }
  }

  /** T = VᵀGV of the first `count` basis vectors, symmetric. */
  projected(count = this.#size): Matrix64 {
    const T = zeros64(count, count)
    for (let i = 0; i < count; i++) {
      T.data.set(this.#T.subarray(i * this.capacity, i * this.capacity + count), i * count)
    }
    return T
  }

  /** V · S for coordinates S [size, k]. */
  combined(S: Matrix64): Promise<Matrix64> {
    return this.algebra.gemm64(this.rows, S, { transA: true })
  }

  /**
   * Adds what the columns of Y [operator.size, k] span outside of the space.
   *
   * @returns by how many vectors the space grew: fewer than k where they depend on each other, on it, or do not fit
   */
  async add(Y: Matrix64): Promise<number> {
    const block = await orthonormalize(this.algebra, Y, this.rows)
    if (block.cols === 0 || this.#size + block.cols > this.capacity) return 0
    const image = await this.operator.apply(block)
    this.#append(transposed(block))
    const overlap = await this.algebra.gemm64(this.rows, image) // VᵀG · block
    this.#project(overlap)
    this.#image = subtract(image, await this.combined(overlap))
    return block.cols
  }

  /** Adds G times the block that was added last: by how many vectors the space grew, 0 where it is invariant or full. */
  async extend(): Promise<number> {
    return this.#image === undefined ? 0 : this.add(this.#image)
  }

  /**
   * Keeps the given Ritz vectors V · S alone; `extend` goes on from the last block's image, which is orthogonal to them.
   *
   * Source: Wu & Simon, Thick-restart Lanczos method for large symmetric eigenvalue problems (2000).
   */
  async restart(values: Float64Array, S: Matrix64): Promise<void> {
    const kept = await this.algebra.gemm64(S, this.rows, { transA: true })
    this.#size = 0
    this.#T.fill(0)
    this.#append(kept)
    values.forEach((value, i) => {
      this.#T[i * this.capacity + i] = value
    })
  }

  #append({ data, rows }: Matrix64): void {
    this.#rows.set(data, this.#size * this.operator.size)
    this.#size += rows
  }

  /** Writes the last columns of T, and their mirror image. */
  #project({ data, cols }: Matrix64): void {
    const [T, width, first] = [this.#T, this.capacity, this.#size - cols]
    for (let i = 0; i < this.#size; i++) {
      for (let j = 0; j < cols; j++) {
        const mirrored = i < first ? (data[i * cols + j] as number) : (data[(first + j) * cols + i - first] as number)
        T[i * width + first + j] = T[(first + j) * width + i] = ((data[i * cols + j] as number) + mirrored) / 2
      }
    }
  }
}
