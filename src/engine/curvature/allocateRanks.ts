/** A linear to which ranks are given. */
export interface RankedLinear {
  readonly path: string
  /** Parameters that a rank takes: inputs and outputs. */
  readonly cost: number
  /** What each further rank is worth, descending. */
  readonly gains: ArrayLike<number>
}

export interface RankLimits {
  /** The rank that, everywhere, takes the parameters that there are. */
  readonly rank: number
  readonly floor: number
  readonly cap: number
}

/** The next rank of a linear, and what it is worth. */
interface Offer {
  readonly linear: RankedLinear
  readonly rank: number
  readonly worth: number
}

/**
 * The rank of each linear, by path: those ranks that are worth most for their parameters, the floor first. No more
 * parameters in all than `rank` everywhere takes; of offers of equal worth that of the earlier linear.
 *
 *     max Σ_l Σ_{i ≤ k_l} gain_{l,i}   so that   Σ_l k_l cost_l ≤ rank Σ_l cost_l,   floor ≤ k_l ≤ cap
 *
 * Greedy is optimal up to the last offers that no longer fit, as gains descend.
 */
export function allocateRanks(linears: readonly RankedLinear[], { rank, floor, cap }: RankLimits): Map<string, number> {
  const ranks = new Map(linears.map(({ path, gains }) => [path, Math.min(floor, Math.max(1, gains.length))]))
  let left = linears.reduce((sum, { path, cost }) => sum + cost * (rank - (ranks.get(path) as number)), 0)
  const offers = linears.flatMap((linear) => offersOf(linear, ranks.get(linear.path) as number, cap))
  offers.sort((a, b) => b.worth - a.worth)
  for (const { linear, rank: offered } of offers) {
    // A linear that once was too dear gets no later rank either: its ranks are a stretch from the first on.
    if (ranks.get(linear.path) !== offered - 1 || linear.cost > left) continue
    ranks.set(linear.path, offered)
    left -= linear.cost
  }
  return ranks
}

function offersOf(linear: RankedLinear, floor: number, cap: number): Offer[] {
  const most = Math.min(cap, linear.gains.length)
  const count = Math.max(0, most - floor)
  return Array.from({ length: count }, (_, i) => {
    const worth = Math.max(0, linear.gains[floor + i] as number) / linear.cost
    return { linear, rank: floor + i + 1, worth }
  })
}
