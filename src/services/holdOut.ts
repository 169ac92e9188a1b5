import { createHash } from 'node:crypto'
import { badInput } from '../shared/errors'
import type { HoldOut } from '../shared/samples'
import type { Samples } from '../store/calibrationSamples'
import { type CalibrationSet, eachSample, findSet, getSet, importSet, readSamples } from '../store/calibrationSets'
import type { Store } from '../store/schema'
import { setKindOf } from './calibrationService'
import { choosePlaces } from './samples/choose'

/** The two sets that a set was parted into. */
export interface HeldOut {
  readonly calibration: CalibrationSet
  readonly evaluation: CalibrationSet
}

/**
 * Parts a set in two that share no sample: `NAME-calibration`, and `NAME-evaluation` with about `share` of it. The same
 * seed gives the same parts on every machine; asked again, the parts that are there are given.
 *
 * Of several samples, those are held out whose SHA-256 of seed and place is smallest. A single text is parted between
 * paragraphs: one stretch is held out, what is before and behind it becomes two samples.
 *
 * @throws {AppError} BAD_INPUT when there is no such set, it cannot be parted, or another set has the name of a part
 */
export async function holdOut(store: Store, name: string, { share, seed }: HoldOut): Promise<HeldOut> {
  const set = await getSet(store, name)
  const made = await findParts(store, set, { share, seed })
  if (made !== undefined) return made
  const parts = await partsOf(store, set, { share, seed })
  for (const part of ['calibration', 'evaluation'] as const) {
    if ((await findSet(store, partName(name, part))) === undefined) continue
    throw badInput(`there is already a set named "${partName(name, part)}", another part of ${name}; delete it first`)
  }
  const storePart = (part: keyof typeof parts) =>
    importSet(store, {
      name: partName(name, part),
      policy: set.policy,
      hints: { ...set.hints, heldOut: { from: name, contentSha256: set.contentSha256, share, seed, part } },
      source: set.source,
      samples: parts[part]
    })
  return { calibration: await storePart('calibration'), evaluation: await storePart('evaluation') }
}

const partName = (name: string, part: 'calibration' | 'evaluation'): string => `${name}-${part}`

async function findParts(store: Store, set: CalibrationSet, wanted: HoldOut): Promise<HeldOut | undefined> {
  const find = async (part: 'calibration' | 'evaluation') => {
    const found = await findSet(store, partName(set.name, part))
    const heldOut = { from: set.name, contentSha256: set.contentSha256, ...wanted, part }
    return JSON.stringify(found?.hints.heldOut) === JSON.stringify(heldOut) ? found : undefined
  }
  const [calibration, evaluation] = [await find('calibration'), await find('evaluation')]
  return calibration && evaluation && { calibration, evaluation }
}

interface Parts {
  readonly calibration: Samples
  readonly evaluation: Samples
}

async function partsOf(store: Store, set: CalibrationSet, { share, seed }: HoldOut): Promise<Parts> {
  if (set.sampleCount > 1) return partSamples(store, set, share, seed)
  const [only] = await readSamples(store, set.name)
  return partText(set, only?.text ?? '', share, seed)
}

/** Samples are read as they are stored again: a set may be larger than memory. */
function partSamples(store: Store, { name, sampleCount }: CalibrationSet, share: number, seed: number): Parts {
  const count = Math.min(sampleCount - 1, Math.max(1, Math.round(share * sampleCount)))
  const held = new Set(choosePlaces(sampleCount, { count, seed }))
  async function* those(wanted: (place: number) => boolean): AsyncGenerator<string> {
    let place = 0
    for await (const sample of eachSample(store, name)) if (wanted(place++)) yield sample
  }
  return { calibration: those((place) => !held.has(place)), evaluation: those((place) => held.has(place)) }
}

function partText(set: CalibrationSet, text: string, share: number, seed: number): Parts {
  if (setKindOf(set) === 'messages')
    throw badInput(`${set.name} holds one conversation; two are needed to hold one out`)
  const paragraphs = text.split(/\n[^\S\n]*\n+/)
  if (paragraphs.length < 2)
    throw badInput(`${set.name} is one paragraph; a text of two or more paragraphs is needed to hold one out`)
  const lengths = paragraphs.map(({ length }) => length)
  const wanted = share * lengths.reduce((sum, length) => sum + length, 0)
  const digest = createHash('sha256').update(`${seed}:${set.contentSha256}`).digest()
  // The stretch begins where all of it still fits, and leaves at least one paragraph.
  const latest = Math.max(0, lastStart(lengths, wanted))
  const begin = Math.floor((digest.readUInt32BE(0) / 2 ** 32) * (latest + 1))
  let end = begin
  for (let length = 0; end < paragraphs.length && (end === begin || length < wanted); end++) length += lengths[end] ?? 0
  if (begin === 0 && end === paragraphs.length) end--
  const joined = (from: number, to: number): string => paragraphs.slice(from, to).join('\n\n')
  const rest = [joined(0, begin), joined(end, paragraphs.length)].filter((part) => part.trim() !== '')
  return { calibration: rest, evaluation: [joined(begin, end)] }
}

/** The last paragraph from which on there is as much text as is wanted. */
function lastStart(lengths: readonly number[], wanted: number): number {
  let length = 0
  let start = lengths.length
  while (start > 0 && length < wanted) length += lengths[--start] ?? 0
  return Math.min(start, lengths.length - 1)
}
