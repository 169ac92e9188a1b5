import type { Basis } from '../method'

/**
 * The best correction of the outputs if input channels were uncorrelated: U = leading eigenvectors of E diag(H) Eᵀ.
 *
 *     min tr((E − A Bᵀ) diag(H) (E − A Bᵀ)ᵀ).  QERA-approx (arXiv 2410.06040): its SVD of E D^½, multiplied by D^-½
 *     from the right, is U UᵀE, so no channel needs to be divided by its energy.
 */
export const basis: Basis = (problem, { rank }) => problem.leading('diagonal', rank)
