import type { Matrix64 } from '../../numerics/matrix'
import { concatColumns, zeros64 } from '../../numerics/matrix'
import { fillUniform, seededRandom } from '../../numerics/random'
import type { LayerProblem } from '../layerProblem'
import type { Basis } from '../method'
import { orthonormalize } from '../orthonormalize'

/**
 * QuAILoRA (arXiv 2410.14713): the SVD of E, then alternating least squares against the inputs' second moment.
 *
 *     A := E H B (BᵀHB)⁻¹,   Bᵀ := (AᵀA)⁻¹ AᵀE      (eq. 5 and 6)
 *
 * The B-step depends on A through its column space alone, and (BᵀHB)⁻¹ does not change that space; so each pair of steps
 * is written as U ← orth(E H EᵀU), which gives the same product A Bᵀ = U UᵀE and stays finite where BᵀHB is singular.
 */
export const basis: Basis = async (problem, { rank, iterations }) => {
  let U = await problem.roughlyLeading('none', rank)
  for (let step = 0; step < iterations; step++) U = await alternate(problem, U, step)
  return U
}

async function alternate(problem: LayerProblem, U: Matrix64, step: number): Promise<Matrix64> {
  const next = await orthonormalize(problem.algebra, await problem.apply('full', U))
  return next.cols < U.cols ? refill(problem, next, U.cols - next.cols, step) : next
}

/**
 * Replaces directions that the inputs never reach (dead channels, fewer tokens than rank) by random ones that they do.
 * Where E H Eᵀ has no more directions the basis stays narrower.
 */
async function refill(problem: LayerProblem, U: Matrix64, missing: number, step: number): Promise<Matrix64> {
  const random = zeros64(problem.outFeatures, missing)
  fillUniform(random.data, 1, seededRandom('refill', problem.seed, problem.name, step))
  const found = await orthonormalize(problem.algebra, await problem.apply('full', random), U)
  return concatColumns([U, found])
}
