import { groupBy } from '../../shared/groupBy'
import type { PreparedRun, PreparedVariant } from './preparedRun'

/** Variants of one key find the same corrections worth the same: they share quantizer and measure. */
export const gainsKey = ({ quantizer, method }: Pick<PreparedVariant, 'quantizer' | 'method'>): string =>
  `${quantizer} ${method.curvature === true ? 'weighed' : 'plain'}`

/** The variants with a rank budget, by key. */
export function budgetsByKey({ variants }: Pick<PreparedRun, 'variants'>): Map<string, PreparedVariant[]> {
  return groupBy(
    variants.filter(({ spec }) => spec.rankBudget !== undefined),
    gainsKey
  )
}

/** How often the linears of a block are solved in a row, or asked what ranks are worth: for each quantizer, or for each key. */
export const timesSolved = (prepared: Pick<PreparedRun, 'quantizers' | 'variants'>): number =>
  Math.max(prepared.quantizers.size, budgetsByKey(prepared).size)
