import type { Basis } from '../method'

/**
 * The best correction of the weights, blind to the inputs: U = leading left singular vectors of E.
 *
 *     min ‖E − A Bᵀ‖²_F.  LoftQ with one step (arXiv 2310.08659), with the LoRA scaling divided out.
 */
export const basis: Basis = (problem, { rank }) => problem.leading('none', rank)
