import type { Matrix64 } from '../../numerics/matrix'
import { concatColumns, transposed, zeros64 } from '../../numerics/matrix'
import { fillUniform, seededRandom } from '../../numerics/random'
import type { LayerProblem } from '../layerProblem'
import type { Basis } from '../method'
import { orthonormalize } from '../orthonormalize'
import { powerBasis } from '../powerBasis'

/**
 * QuAILoRA (arXiv 2410.14713): the SVD of E, then alternating least squares against the inputs' second moment.
 *
 *     A := E H B (BᵀHB)⁻¹,   Bᵀ := (AᵀA)⁻¹ AᵀE      (eq. 5 and 6)
 *
 * The B-step depends on A through its column space alone, and (BᵀHB)⁻¹ does not change that space; so each pair of steps
 * is written as U ← orth(E H EᵀU), which gives the same product A Bᵀ = U UᵀE and stays finite where BᵀHB is singular. All but
 * the first are made at once (powerBasis).
 */
export const basis: Basis = async (problem, { rank, iterations }) => {
  const U = await problem.roughlyLeading('none', rank)
  if (iterations === 0) return U
  const operator = { size: problem.outFeatures, apply: (Y: Matrix64) => problem.apply('full', Y) }
  return powerBasis(problem.algebra, operator, await firstAlternation(problem, U), iterations - 1)
}

/**
 * The first alternation. It alone can lose directions: those that the inputs never reach (dead channels, fewer tokens than
 * rank), which are replaced by random ones that they do. Where E H Eᵀ has no more directions the basis stays narrower.
 */
async function firstAlternation(problem: LayerProblem, U: Matrix64): Promise<Matrix64> {
  const { algebra, outFeatures, seed, name } = problem
  const next = await orthonormalize(algebra, await problem.apply('full', U))
  if (next.cols === U.cols) return next
  const random = zeros64(outFeatures, U.cols - next.cols)
  fillUniform(random.data, 1, seededRandom('refill', seed, name))
  const found = await orthonormalize(algebra, await problem.apply('full', random), transposed(next))
  return concatColumns([next, found])
}
