import { createHash } from 'node:crypto'

/** Uniform numbers in [0, 1) with 32 random bits each. */
export type Random = () => number

/**
 * A deterministic generator for a purpose: equal labels give equal sequences on every machine.
 *
 * xoshiro128**, state = first 16 bytes of SHA-256 of the labels. Source: Blackman & Vigna, prng.di.unimi.it.
 */
export function seededRandom(...labels: readonly (string | number)[]): Random {
  const digest = createHash('sha256').update(labels.join('\u0000')).digest()
  const s = Uint32Array.from({ length: 4 }, (_, i) => digest.readUInt32LE(4 * i))
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9) >>> 0
    const t = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotateLeft(s[3], 11)
    return result / 2 ** 32
  }
}

const rotateLeft = (x: number, k: number): number => (x << k) | (x >>> (32 - k))

/** Fills with numbers uniform in [−bound, bound). */
export function fillUniform(target: Float32Array | Float64Array, bound: number, random: Random): void {
  for (let i = 0; i < target.length; i++) target[i] = bound * (2 * random() - 1)
}
