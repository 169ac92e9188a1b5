import type { Basis } from '../method'

/**
 * The optimum that `quailora` converges to: U = leading eigenvectors of G = E H Eᵀ.
 *
 *     min tr((E − A Bᵀ) H (E − A Bᵀ)ᵀ) = tr(G) − Σ_{i ≤ r} λᵢ(G)      (docs/numerics.md)
 */
export const basis: Basis = (problem, { rank }) => problem.leading('full', rank)
