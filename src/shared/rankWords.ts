import { count } from './plural'
import type { RankChoice } from './rankBudget'
import { changeShare, divergenceText } from './refinementWords'

/* What became of a rank budget, in the words of the command line, the window, reports and model cards. */

/**
 * Without its variant's name: `ranks of their own, 4 to 64, were kept: held-out KL 0.00305 with rank 16 everywhere, 0.00245
 * with them (−20 %); without an adapter 0.00816`.
 */
export function rankSentence(choice: RankChoice, rank: number): string {
  const { kept, uniform, budget, quantized } = choice
  const change = uniform === null || budget === null ? '' : ` (${changeShare(uniform, budget)})`
  const own = `${divergenceText(budget)} with them${change}`
  const everywhere = `held-out KL ${divergenceText(uniform)} with rank ${rank} everywhere`
  const without = `without an adapter ${divergenceText(quantized)}`
  return kept === 'budget'
    ? `ranks of their own, ${givenRanks(choice)}, were kept: ${everywhere}, ${own}; ${without}`
    : `rank ${rank} everywhere was kept, ranks of their own were no better: ${everywhere}, ${own}; ${without}`
}

/** `4 to 64`, the ranks that linears were given; where only the bounds are known, `within 4 to 64`. */
const givenRanks = ({ floor, cap, least, largest }: RankChoice): string =>
  least === undefined || largest === undefined ? `within ${floor} to ${cap}` : `${least} to ${largest}`

/** What they were chosen by: `287,504 of 287,744 parameters; 16 rows (4,080 tokens) held out`. */
export function rankSettings({ parameters, uniformParameters, heldOutRows, heldOutTokens }: RankChoice): string {
  const rows = `${count(heldOutRows)} row${heldOutRows === 1 ? '' : 's'}`
  return `${count(parameters)} of ${count(uniformParameters)} parameters; ${rows} (${count(heldOutTokens)} tokens) held out`
}

/** What a person should know of an adapter whose linears have ranks of their own. */
export const OWN_RANKS =
  'Linears have ranks of their own (`rank_pattern`, and `alpha_pattern`, so that every scaling is the same): PEFT loads them, vLLM with a --max-lora-rank not below the largest, and the converter of llama.cpp would scale them wrongly.'
