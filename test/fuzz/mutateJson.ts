import { pick, type Random } from './random'

/** Values that stand for nothing, for too much, for another type. */
const ODD: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  2 ** 31,
  0.5,
  '',
  ' ',
  'a',
  '\u2581',
  '<s>',
  [],
  {},
  ['a']
]

interface Place {
  readonly holder: Record<string, unknown>
  readonly key: string
}

/** Values inside a value, with the object or list that holds each; of a long one (a vocabulary) some dozens. */
function placesIn(value: unknown, into: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return into
  const holder = value as Record<string, unknown>
  for (const key of Object.keys(holder).slice(0, 40)) {
    into.push({ holder, key })
    placesIn(holder[key], into)
  }
  return into
}

/** JSON of nearly the same shape: one to three values are odd, missing, or those of another place. */
export function mutateJson(original: string, random: Random): Buffer {
  const value: unknown = JSON.parse(original)
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const places = placesIn(value)
    if (places.length === 0) break
    const { holder, key } = pick(random, places)
    const other = pick(random, places)
    const kind = random(5)
    if (kind === 0) delete holder[key]
    else holder[key] = kind < 3 ? pick(random, ODD) : structuredClone(other.holder[other.key])
  }
  return Buffer.from(JSON.stringify(value))
}
