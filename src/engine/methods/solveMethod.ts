import { AppError } from '../../shared/errors'
import type { MethodOptionValues } from '../../shared/methods'
import { type FactorOptions, type LoraFactors, projectionFactors } from './factors'
import type { LayerProblem } from './layerProblem'
import type { Method } from './method'
import { orthonormalize } from './orthonormalize'

/**
 * The factors that a method finds for a linear.
 *
 * Where outputs are weighed, U' found for G^½E gives the correction
 *
 *     G^−½U' · U'ᵀG^½E = Q (QᵀG^−½U' · U'ᵀG^½E),   Q = orth(G^−½U')
 *
 * which is the best of rank r in that measure, though its rows are no projection of E.
 */
export async function solveMethod(
  problem: LayerProblem,
  method: Method,
  options: MethodOptionValues & FactorOptions
): Promise<LoraFactors> {
  if (method.curvature !== true) return projectionFactors(problem, await method.basis(problem, options), options)
  const { algebra, curvature } = problem
  if (curvature === undefined) throw new AppError('INTERNAL', `${problem.name}: no curvature was measured`)
  const weighed = await problem.weighed()
  const U = await method.basis(weighed, options)
  const left = await curvature.unweigh(algebra, U)
  const Q = await orthonormalize(algebra, left)
  const inner = await algebra.gemm64(Q, left, { transA: true })
  return projectionFactors(problem, Q, options, await algebra.gemm64(inner, await weighed.project(U)))
}
