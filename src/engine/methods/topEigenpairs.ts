import type { LinearAlgebra } from '../graph/linearAlgebra'
import { leadingEigen } from '../numerics/leadingEigen'
import type { Matrix64 } from '../numerics/matrix'
import { concatColumns, identity64, symmetrized, zeros64 } from '../numerics/matrix'
import type { Random } from '../numerics/random'
import { fillUniform } from '../numerics/random'
import type { SymmetricEigen } from '../numerics/symmetricEigen'
import { symmetricEigen } from '../numerics/symmetricEigen'
import { orthonormalize } from './orthonormalize'

/** A symmetric positive semi-definite operator on vectors of `size`, known only through its products. */
export interface SymmetricOperator {
  readonly size: number
  /** G · Y for Y [size, k]. */
  apply(Y: Matrix64): Promise<Matrix64>
}

export interface EigenOptions {
  readonly count: number
  /** Relative change of Σ λᵢ (i ≤ count) at which a restart counts as the last. */
  readonly tolerance: number
  readonly random: Random
  /** What an earlier search with a larger tolerance found: the search goes on there, as if it had never stopped. */
  readonly from?: RitzPairs
}

/** Approximate eigenpairs that a search stopped at. */
export interface RitzPairs extends SymmetricEigen {
  /** G times the vectors, for free from the cycle's own products; none where G itself was decomposed, so nothing is left. */
  readonly images?: Matrix64
}

/** Columns beyond `count` in each block: they shield the wanted ones from the spectrum below. */
export const OVERSAMPLING = 8
/** Krylov blocks between restarts; more converge in fewer products but cost a larger dense problem. */
export const DEPTH = 3
/** Reached only on spectra so flat that the remaining differences do not matter. */
const MAX_RESTARTS = 30

/**
 * The largest eigenpairs of G by block Krylov iteration with thick restarts.
 *
 * Each cycle spans K = [Y, GY, …, G^(d−1)Y] with an orthonormal basis V, solves the small problem VᵀGV exactly in float64
 * and restarts from its best vectors. On the nearly flat spectrum of a quantization error this needs several times
 * fewer products than subspace iteration. When the block would fill the space, G itself is decomposed.
 *
 * @returns the largest eigenvalues (at least min(count, size), those beyond `count` are lower bounds) and vectors
 * Source: Saad, Numerical Methods for Large Eigenvalue Problems, ch. 6; Musco & Musco, arXiv 1504.05477.
 */
export async function topEigenpairs(
  algebra: LinearAlgebra,
  operator: SymmetricOperator,
  options: EigenOptions
): Promise<RitzPairs> {
  const block = options.count + OVERSAMPLING
  if (operator.size <= block * DEPTH) return options.from ?? decompose(operator)
  const captured = ({ values }: RitzPairs): number => sum(values.subarray(0, options.count))
  let ritz = options.from ?? (await firstCycle(algebra, operator, block, options.random))
  for (let restart = 0; restart < MAX_RESTARTS && ritz.images !== undefined; restart++) {
    const next = await krylovCycle(algebra, operator, ritz.vectors, ritz.images)
    const converged = captured(next) - captured(ritz) <= options.tolerance * captured(next)
    ritz = next
    if (converged) break
  }
  return ritz
}

/** Decomposes G when its size is no more than a cycle's basis would be. */
async function decompose(operator: SymmetricOperator): Promise<SymmetricEigen> {
  const G = await operator.apply(identity64(operator.size))
  return symmetricEigen(symmetrized(G))
}

async function firstCycle(
  algebra: LinearAlgebra,
  operator: SymmetricOperator,
  block: number,
  random: Random
): Promise<RitzPairs> {
  const start = zeros64(operator.size, block)
  fillUniform(start.data, 1, random)
  const Y = await orthonormalize(algebra, start)
  return krylovCycle(algebra, operator, Y, await operator.apply(Y))
}

async function krylovCycle(
  algebra: LinearAlgebra,
  operator: SymmetricOperator,
  Y: Matrix64,
  GY: Matrix64
): Promise<RitzPairs> {
  let V = Y
  let GV = GY
  let image = GY
  for (let step = 1; step < DEPTH; step++) {
    const next = await orthonormalize(algebra, image, V)
    if (next.cols === 0) break // the space is invariant: nothing is left to find
    image = await operator.apply(next)
    V = concatColumns([V, next])
    GV = concatColumns([GV, image])
  }
  const T = symmetrized(await algebra.gemm64(V, GV, { transA: true }))
  const { values, vectors: S } = leadingEigen(T, Y.cols)
  return { values, vectors: await algebra.gemm64(V, S), images: await algebra.gemm64(GV, S) }
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0)
