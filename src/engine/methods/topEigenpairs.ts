import type { LinearAlgebra } from '../graph/linearAlgebra'
import { leadingOf, type Reduced, reduced } from '../numerics/leadingEigen'
import type { Matrix64 } from '../numerics/matrix'
import { identity64, symmetrized, zeros64 } from '../numerics/matrix'
import type { Random } from '../numerics/random'
import { fillUniform } from '../numerics/random'
import type { SymmetricEigen } from '../numerics/symmetricEigen'
import { symmetricEigen } from '../numerics/symmetricEigen'
import { KrylovSpace, type SymmetricOperator } from './krylovSpace'
import { Settling } from './settling'

export interface SearchOptions {
  readonly count: number
  readonly random: Random
}

export interface EigenOptions extends SearchOptions {
  /** What Σ λᵢ (i ≤ count) may still lack at the end, relative to it. */
  readonly tolerance: number
}

/** Up to so many times the count and a few more, G itself is decomposed. */
const WHOLE = 3
const FEW = 8

/**
 * Columns of a block for counts up to 64, and for each further 64. The narrower the block, the fewer columns all in all; but
 * below sixteen a product costs no less, since its time goes into reading the matrix.
 */
const BLOCK = 16
const COUNT_PER_BLOCK = 64

/** The size, in counts, at which the space is looked at first: before, nothing was ever settled. */
const FIRST_LOOK = 2.5
/** A look costs as much as a product, and more in a large space: where many steps are left only some of them are looked at. */
const SHARE_OF_STEPS = 0.6

/** Vectors that the space may hold before it restarts, for each of the wanted: only nearly flat spectra need more. */
const CAPACITY = 8
/** Reached only on spectra so flat that the remaining differences do not matter. */
const MAX_RESTARTS = 30

/** Columns of one product of a search for `count` eigenpairs. */
const blockColumns = (count: number): number => BLOCK * Math.ceil(Math.max(1, count) / COUNT_PER_BLOCK)

/**
 * The search for the largest eigenpairs of G by block Krylov iteration: Rayleigh–Ritz in float64 on the space of a random
 * block and all its images. Unlike iterations that restart often, or with blocks as wide as the count, it converges ever
 * faster; where the space is full it restarts from its best vectors. When the count is a large share of the size, G itself is
 * decomposed.
 *
 * An eigenvalue that is repeated more often than a block is wide is found because the rounding of float32 products gives every
 * direction a share; with products in float64 some of its copies can be missed.
 *
 * A search goes on where it was left: asked for a smaller tolerance than before, it makes no product twice.
 *
 * Source: Saad, Numerical Methods for Large Eigenvalue Problems, ch. 6; Musco & Musco, arXiv 1504.05477.
 */
export class EigenSearch {
  readonly #settling = new Settling(0)
  readonly #block: number
  readonly #capacity: number
  #space: KrylovSpace | undefined
  /** What was seen where the search was left. */
  #found: Reduced | undefined
  #whole: SymmetricEigen | undefined
  #restarts = 0
  /** The size at which the space is looked at next. */
  #look = 0
  /** Whether looks were left out before that one. */
  #leaps = false

  constructor(
    private readonly algebra: LinearAlgebra,
    private readonly operator: SymmetricOperator,
    private readonly options: SearchOptions
  ) {
    this.#block = blockColumns(options.count)
    this.#capacity = Math.min(operator.size, CAPACITY * options.count + 4 * this.#block)
  }

  /**
   * @param tolerance - what Σ λᵢ (i ≤ count) may still lack at the end, relative to it
   * @returns the largest eigenvalues, min(count, size) or more, and their vectors
   */
  async until(tolerance: number): Promise<SymmetricEigen> {
    const { operator, options } = this
    if (operator.size <= WHOLE * (options.count + FEW)) {
      this.#whole ??= await decompose(operator)
      return this.#whole
    }
    this.#space ??= await this.#begin()
    this.#settling.tolerance = tolerance
    this.#found = await this.#settle(this.#space)
    const { values, vectors } = leadingOf(this.#found, options.count)
    return { values, vectors: await this.#space.combined(vectors) }
  }

  async #begin(): Promise<KrylovSpace> {
    const space = new KrylovSpace(this.algebra, this.operator, this.#capacity)
    await space.add(this.#randomBlock())
    this.#lookSoon(space)
    return space
  }

  /** Grows the space until Σ λ is settled, or nothing is left to find. */
  async #settle(space: KrylovSpace): Promise<Reduced> {
    if (this.#found !== undefined) {
      if (this.#settling.settled) return this.#found
      this.#planLook(space)
    }
    for (;;) {
      const full = space.size + this.#block > space.capacity
      if (full || space.size >= this.#look) {
        const found = this.#lookAt(space)
        if (this.#settling.settled) return found
        if (full && space.capacity < this.operator.size) {
          if (this.#restarts++ === MAX_RESTARTS) return found
          await this.#restart(space, found)
        } else this.#planLook(space)
      }
      // The space is invariant: what is left to find has no share in its start.
      const grew = (await space.extend()) > 0
      const alive = grew || (space.size < this.options.count && (await space.add(this.#randomBlock())) > 0)
      if (!alive) return reduced(space.projected())
    }
  }

  #lookAt(space: KrylovSpace): Reduced {
    const found = reduced(space.projected())
    const value = sum(found.values.subarray(0, this.options.count))
    if (this.#leaps) this.#settling.leap(value)
    else this.#settling.at(value)
    return found
  }

  async #restart(space: KrylovSpace, found: Reduced): Promise<void> {
    this.#settling.restart()
    const kept = leadingOf(found, this.options.count + this.#block)
    await space.restart(kept.values, kept.vectors)
    this.#lookSoon(space)
  }

  #lookSoon(space: KrylovSpace): void {
    this.#leaps = false
    this.#look = Math.max(FIRST_LOOK * this.options.count, space.size + 1)
  }

  #planLook(space: KrylovSpace): void {
    const steps = SHARE_OF_STEPS * this.#settling.stepsLeft
    this.#leaps = steps >= 2
    this.#look = space.size + Math.max(this.options.count / 2, space.size / 8) * (this.#leaps ? steps : 1)
  }

  #randomBlock(): Matrix64 {
    const { operator, options } = this
    const block = zeros64(operator.size, Math.min(operator.size, this.#block))
    fillUniform(block.data, 1, options.random)
    return block
  }
}

/** The largest eigenpairs of G, by a search that nobody goes on with. */
export const topEigenpairs = (
  algebra: LinearAlgebra,
  operator: SymmetricOperator,
  { tolerance, ...options }: EigenOptions
): Promise<SymmetricEigen> => new EigenSearch(algebra, operator, options).until(tolerance)

/** Decomposes G when its size is no more than a search would need. */
async function decompose(operator: SymmetricOperator): Promise<SymmetricEigen> {
  const G = await operator.apply(identity64(operator.size))
  return symmetricEigen(symmetrized(G))
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0)
