import type { TokenRows } from './rows'

/** Tokens of a stretch that two texts have in common by chance only where both repeat the same words. */
const STRETCH = 32

/** Share of the stretches of a row from which on it stands in the calibration rows for the most part. */
const MOST = 3 / 4

/**
 * How many evaluation rows stand in the calibration rows, wholly or for the most part: at least three quarters of their stretches
 * of 32 tokens, wherever these are there. A row that is no longer than a stretch has to be a whole row there too.
 *
 * Stretches are compared by a hash of 32 bits, so that one of some thousand millions of pairs is taken for the same by chance.
 */
export function seenRows(calibration: TokenRows, evaluation: TokenRows): number {
  const stretches = Array.from(evaluation.lengths, (length, row) => stretchesOf(rowOf(evaluation, row, length)))
  const wanted = new Filter(stretches.flat())
  const met = new Set<number>()
  calibration.lengths.forEach((length, row) => {
    const tokens = rowOf(calibration, row, length)
    if (length <= STRETCH) met.add(hashOf(tokens, length))
    else eachHash(tokens, (hash) => wanted.mayHold(hash) && met.add(hash))
  })
  const isSeen = (hashes: readonly number[]): boolean =>
    hashes.length > 0 && hashes.filter((hash) => met.has(hash)).length >= MOST * hashes.length
  return stretches.filter(isSeen).length
}

const rowOf = ({ ids, context }: TokenRows, row: number, length: number): Int32Array =>
  ids.subarray(row * context, row * context + length)

/** Hashes of a row's stretches, one behind the other; of the whole row where it is not longer than one. */
function stretchesOf(tokens: Int32Array): number[] {
  if (tokens.length <= STRETCH) return tokens.length === 0 ? [] : [hashOf(tokens, tokens.length)]
  const count = Math.floor(tokens.length / STRETCH)
  return Array.from({ length: count }, (_, i) => hashOf(tokens.subarray(i * STRETCH), STRETCH))
}

/** Odd, so that every token counts in every bit above its own. */
const FACTOR = 0x9e3779b1

/** Σ (tokenᵢ + 1) · FACTORⁿ⁻¹⁻ⁱ, modulo 2³². */
function hashOf(tokens: Int32Array, length: number): number {
  let hash = 0
  for (let i = 0; i < length; i++) hash = (Math.imul(hash, FACTOR) + (tokens[i] as number) + 1) | 0
  return hash
}

/** The hashes of the stretches that begin at each token. */
function eachHash(tokens: Int32Array, take: (hash: number) => void): void {
  let power = 1 // FACTOR to the length of a stretch
  for (let i = 0; i < STRETCH; i++) power = Math.imul(power, FACTOR)
  let hash = hashOf(tokens, STRETCH)
  take(hash)
  for (let end = STRETCH; end < tokens.length; end++) {
    const leaving = Math.imul((tokens[end - STRETCH] as number) + 1, power)
    hash = (Math.imul(hash, FACTOR) + (tokens[end] as number) + 1 - leaving) | 0
    take(hash)
  }
}

/** Tells of most hashes at once that they are not among these: there may be millions of them. */
class Filter {
  readonly #bits = new Uint8Array(2 ** 20)

  constructor(hashes: readonly number[]) {
    for (const hash of hashes) this.#bits[hash >>> 12] = 1
  }

  mayHold(hash: number): boolean {
    return this.#bits[hash >>> 12] === 1
  }
}
