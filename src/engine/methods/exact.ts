import type { Method } from './method'

/**
 * The optimum that `quailora` converges to: U = leading eigenvectors of G = E H Eᵀ.
 *
 *     min tr((E − A Bᵀ) H (E − A Bᵀ)ᵀ) = tr(G) − Σ_{i ≤ r} λᵢ(G)      (docs/numerics.md)
 */
export const exact: Method = {
  name: 'exact',
  summary: 'closed-form optimum of the calibrated error',
  statistics: 'full',
  basis: (problem, { rank }) => problem.leading('full', rank)
}
