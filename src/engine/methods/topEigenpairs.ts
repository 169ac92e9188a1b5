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

export interface EigenOptions {
  readonly count: number
  /** What Σ λᵢ (i ≤ count) may still lack at the end, relative to it. */
  readonly tolerance: number
  readonly random: Random
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
 * The largest eigenpairs of G by block Krylov iteration: Rayleigh–Ritz in float64 on the space of a random block and all its
 * images. Unlike iterations that restart often, or with blocks as wide as the count, it converges ever faster; where the space
 * is full it restarts from its best vectors. When the count is a large share of the size, G itself is decomposed.
 *
 * An eigenvalue that is repeated more often than a block is wide is found because the rounding of float32 products gives every
 * direction a share; with products in float64 some of its copies can be missed.
 *
 * @returns the largest eigenvalues, min(count, size) or more, and their vectors
 * Source: Saad, Numerical Methods for Large Eigenvalue Problems, ch. 6; Musco & Musco, arXiv 1504.05477.
 */
export async function topEigenpairs(
  algebra: LinearAlgebra,
  operator: SymmetricOperator,
  options: EigenOptions
): Promise<SymmetricEigen> {
  const { count } = options
  if (operator.size <= WHOLE * (count + FEW)) return decompose(operator)
  const block = blockColumns(count)
  const capacity = Math.min(operator.size, CAPACITY * count + 4 * block)
  const space = new KrylovSpace(algebra, operator, capacity)
  const settling = new Settling(options.tolerance)
  await space.add(randomBlock(operator.size, block, options.random))
  for (let restart = 0; ; restart++) {
    const { found, full } = await growUntil(space, options, settling)
    if (!full || restart === MAX_RESTARTS) {
      const { values, vectors } = leadingOf(found, count)
      return { values, vectors: await space.combined(vectors) }
    }
    settling.restart()
    const kept = leadingOf(found, count + block)
    await space.restart(kept.values, kept.vectors)
  }
}

interface Growth {
  readonly found: Reduced
  /** True when the space is full and Σ λ not settled yet. */
  readonly full: boolean
}

/** Grows the space until Σ λ is settled, or nothing is left to find, or it is full. */
async function growUntil(space: KrylovSpace, { count, random }: EigenOptions, settling: Settling): Promise<Growth> {
  const { cols: size } = space.rows
  const block = blockColumns(count)
  let leaps = false
  for (let look = Math.max(FIRST_LOOK * count, space.size + 1); ; ) {
    const full = space.size + block > space.capacity
    if (full || space.size >= look) {
      const found = reduced(space.projected())
      const value = sum(found.values.subarray(0, count))
      if (leaps) settling.leap(value)
      else if (settling.at(value)) return { found, full: false }
      if (full && space.capacity < size) return { found, full: true }
      const steps = SHARE_OF_STEPS * settling.stepsLeft
      leaps = steps >= 2
      look = space.size + Math.max(count / 2, space.size / 8) * (leaps ? steps : 1)
    }
    const grew = (await space.extend()) > 0
    // The space is invariant: what is left to find has no share in its start.
    const alive = grew || (space.size < count && (await space.add(randomBlock(size, block, random))) > 0)
    if (!alive) return { found: reduced(space.projected()), full: false }
  }
}

/** Decomposes G when its size is no more than a search would need. */
async function decompose(operator: SymmetricOperator): Promise<SymmetricEigen> {
  const G = await operator.apply(identity64(operator.size))
  return symmetricEigen(symmetrized(G))
}

function randomBlock(size: number, columns: number, random: Random): Matrix64 {
  const block = zeros64(size, Math.min(size, columns))
  fillUniform(block.data, 1, random)
  return block
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0)
