import { createHash } from 'node:crypto'
import type { Sampling } from '../../shared/samples'

/**
 * The places of some samples, in order: those whose SHA-256 of seed and place is smallest. The same seed chooses the same
 * samples on every machine, and a larger count keeps those of a smaller one.
 */
export function choosePlaces(available: number, { count, seed }: Sampling): number[] {
  const places = Array.from({ length: available }, (_, index) => index)
  if (count >= available) return places
  const ranked = places
    .map((index) => ({ index, rank: createHash('sha256').update(`${seed}:${index}`).digest('hex') }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, count)
    .map(({ index }) => index)
  return ranked.sort((a, b) => a - b)
}

/** The samples at the places that `choosePlaces` chooses. */
export const chooseSamples = (samples: readonly string[], sampling: Sampling): string[] =>
  choosePlaces(samples.length, sampling).map((place) => samples[place] as string)
