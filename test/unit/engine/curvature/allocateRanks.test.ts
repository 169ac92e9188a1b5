import { describe, expect, it } from 'vitest'
import { allocateRanks, type RankedLinear } from '../../../../src/engine/curvature/allocateRanks'
import { seededRandom } from '../../../../src/engine/numerics/random'

const spent = (linears: readonly RankedLinear[], ranks: ReadonlyMap<string, number>): number =>
  linears.reduce((sum, { path, cost }) => sum + cost * (ranks.get(path) as number), 0)

const worth = (linears: readonly RankedLinear[], ranks: ReadonlyMap<string, number>): number =>
  linears.reduce((sum, { path, gains }) => {
    const own = Array.from(gains).slice(0, ranks.get(path) as number)
    return sum + own.reduce((total, gain) => total + gain, 0)
  }, 0)

/** Linears whose gains fall at random. */
function randomLinears(seed: number, costs: readonly number[]): RankedLinear[] {
  const random = seededRandom('ranks', seed)
  return costs.map((cost, i) => {
    const gains = Array.from({ length: 6 }, () => random()).sort((a, b) => b - a)
    return { path: `linear ${i}`, cost, gains }
  })
}

/** The best of all choices between floor and cap that fit. */
function best(linears: readonly RankedLinear[], rank: number, floor: number, cap: number): number {
  const most = rank * linears.reduce((sum, { cost }) => sum + cost, 0)
  let choices: Map<string, number>[] = [new Map()]
  for (const { path } of linears)
    choices = choices.flatMap((own) =>
      Array.from({ length: cap - floor + 1 }, (_, i) => new Map([...own, [path, floor + i]]))
    )
  return Math.max(...choices.filter((own) => spent(linears, own) <= most).map((own) => worth(linears, own)))
}

describe('ranks by what they are worth', () => {
  it.each([1, 2, 3, 4, 5, 6])('are the best that there are where all linears cost alike (%s)', (seed) => {
    const linears = randomLinears(seed, [7, 7, 7, 7, 7])
    const ranks = allocateRanks(linears, { rank: 2, floor: 1, cap: 5 })
    expect(spent(linears, ranks)).toBe(2 * 5 * 7)
    expect(worth(linears, ranks)).toBeCloseTo(best(linears, 2, 1, 5), 12)
  })

  it.each([1, 2, 3, 4, 5, 6])('lack no more than one offer of the best where costs differ (%s)', (seed) => {
    const linears = randomLinears(seed, [3, 5, 8, 4, 9])
    const ranks = allocateRanks(linears, { rank: 2, floor: 1, cap: 5 })
    expect(spent(linears, ranks)).toBeLessThanOrEqual(2 * 29)
    expect(worth(linears, ranks)).toBeGreaterThan(best(linears, 2, 1, 5) - 1)
    for (const rank of ranks.values()) expect(rank).toBeGreaterThanOrEqual(1)
    for (const rank of ranks.values()) expect(rank).toBeLessThanOrEqual(5)
  })

  it('never go beyond what a linear can use, and give what is left to others', () => {
    const small = { path: 'small', cost: 2, gains: [9, 8] }
    const large = { path: 'large', cost: 2, gains: [1, 1, 1, 1, 1, 1, 1, 1] }
    const ranks = allocateRanks([small, large], { rank: 3, floor: 1, cap: 8 })
    expect(Object.fromEntries(ranks)).toEqual({ small: 2, large: 4 })
  })

  it('leave a linear on which nothing depends at the floor', () => {
    const dead = { path: 'dead', cost: 4, gains: [0, 0, 0, 0] }
    const live = { path: 'live', cost: 4, gains: [3, 2, 1, 0.5] }
    expect(allocateRanks([dead, live], { rank: 2, floor: 1, cap: 8 }).get('dead')).toBe(1)
  })

  it('are the mean everywhere where floor and cap are', () => {
    const linears = randomLinears(1, [3, 5, 8])
    expect([...allocateRanks(linears, { rank: 4, floor: 4, cap: 4 }).values()]).toEqual([4, 4, 4])
  })
})
