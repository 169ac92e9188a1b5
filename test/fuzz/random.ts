/** A whole number of 0 … below − 1. */
export type Random = (below: number) => number

/** A small generator (mulberry32), so that a seed always gives the same inputs. */
export function generator(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

export const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)] as T
