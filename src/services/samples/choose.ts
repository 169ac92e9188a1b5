import { createHash } from 'node:crypto'
import type { Sampling } from '../../shared/samples'

/**
 * Some of the samples, in their order: those whose SHA-256 of seed and place is smallest. The same seed chooses the same
 * samples on every machine, and a larger count keeps those of a smaller one.
 */
export function chooseSamples(samples: readonly string[], { count, seed }: Sampling): string[] {
  if (count >= samples.length) return [...samples]
  const ranked = samples
    .map((_, index) => ({ index, rank: createHash('sha256').update(`${seed}:${index}`).digest('hex') }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, count)
    .map(({ index }) => index)
  return ranked.sort((a, b) => a - b).map((index) => samples[index] as string)
}
