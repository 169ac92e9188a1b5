import type { Basis } from '../method'

/**
 * The optimum where outputs count what the model's predictions make of them: of G^½E, with G the second moment of the
 * gradients at the linear's outputs, U = leading eigenvectors of G^½E H EᵀG^½.
 *
 *     min tr(G (E − A Bᵀ) H (E − A Bᵀ)ᵀ)
 *
 * the Kronecker-factored approximation of the divergence that the error causes (Martens & Grosse, arXiv 1503.05671).
 */
export const basis: Basis = (problem, { rank }) => problem.leading('full', rank)
