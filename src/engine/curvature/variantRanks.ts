import { rankBounds } from '../../shared/rankBudget'
import type { PreparedRun } from '../prepare/preparedRun'
import { gainsKey } from '../prepare/rankBudgets'
import { allocateRanks } from './allocateRanks'
import type { RankGains } from './measureGains'

/**
 * The rank of every linear of each variant with a rank budget: variant → path → rank.
 *
 * @param gains - of each block
 */
export function ranksOf(
  { variants, linears }: PreparedRun,
  gains: readonly RankGains[]
): Record<string, Record<string, number>> {
  const ranks: Record<string, Record<string, number>> = {}
  for (const variant of variants) {
    const { name, spec, targets } = variant
    if (spec.rankBudget === undefined) continue
    const own = linears.filter(({ path }) => targets.has(path))
    const ranked = own.map(({ path, block, inFeatures, outFeatures }) => ({
      path,
      cost: inFeatures + outFeatures,
      gains: gains[block]?.get(gainsKey(variant))?.get(path) ?? []
    }))
    const limits = { rank: spec.rank, ...rankBounds(spec.rank, spec.rankBudget) }
    ranks[name] = Object.fromEntries(allocateRanks(ranked, limits))
  }
  return ranks
}
