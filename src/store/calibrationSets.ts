import { createHash, randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import { badInput } from '../shared/errors'
import { nearestName } from '../shared/nearestName'
import { plural } from '../shared/plural'
import type { Policy } from '../shared/recipe'
import {
  countCharacters,
  dropStagedSamples,
  readSamplesOf,
  type Sample,
  type Samples,
  sampleLine,
  stageSamples,
  takeStagedSamples,
  wellFormed
} from './calibrationSamples'
import { inTransaction } from './database'
import type { CalibrationSetsTable, Store } from './schema'

/** A stored calibration set without its texts. */
export interface CalibrationSet {
  readonly id: number
  readonly name: string
  /** How its texts are meant to become rows of tokens. */
  readonly policy: Policy
  /** Whatever the importer noted of how the texts were found in the source (format, field, …). */
  readonly hints: Readonly<Record<string, unknown>>
  readonly source: { readonly name: string; readonly path: string; readonly sha256: string }
  /** SHA-256 of the samples, one `{"text":…}` line each: equal for the file that a run gets of the set. */
  readonly contentSha256: string
  readonly importedAtMs: number
  readonly sampleCount: number
  readonly characterCount: number
}

/** What is told of a set beside its samples. */
export interface SetDetails {
  readonly policy?: Policy
  readonly hints?: Readonly<Record<string, unknown>>
  /** The file that the samples come from: absolute path and SHA-256. */
  readonly source: { readonly path: string; readonly sha256: string }
  readonly importedAtMs?: number
}

export interface CalibrationImport extends SetDetails {
  readonly name: string
  /** May be read while it is stored, also from the store; must not write to it. */
  readonly samples: Samples
}

/**
 * Stores samples under a name, all of them or, when anything fails, none.
 * @throws AppError BAD_INPUT when the name is empty or taken, or when there is no sample
 */
export const importSet = (store: Store, { name, samples, ...details }: CalibrationImport): Promise<CalibrationSet> =>
  importRead(store, name, samples, () => details)

/** `importSet` of what is known only once all samples are read. */
export async function importRead(
  store: Store,
  name: string,
  samples: Samples,
  details: () => SetDetails
): Promise<CalibrationSet> {
  if (name.trim() === '') throw badInput('a calibration set needs a name')
  await assertNameIsFree(store, name)
  const tally = { samples: 0, characters: 0, hash: createHash('sha256') }
  const importId = randomUUID()
  try {
    await stageSamples(store, importId, counted(samples, tally))
    if (tally.samples === 0)
      throw badInput(`${details().source.path} holds no sample; a calibration set needs at least one`)
    return await inTransaction(store, async (trx) => {
      await assertNameIsFree(trx, name)
      const row = await insertSet(trx, name, details(), tally)
      await takeStagedSamples(trx, importId, row.id)
      return setOf(row)
    })
  } finally {
    await dropStagedSamples(store, importId)
  }
}

interface Tally {
  samples: number
  characters: number
  readonly hash: ReturnType<typeof createHash>
}

async function* counted(samples: Samples, tally: Tally): AsyncGenerator<string> {
  for await (const raw of samples) {
    const text = wellFormed(raw)
    tally.samples++
    tally.characters += countCharacters(text)
    tally.hash.update(sampleLine(text))
    yield text
  }
}

function insertSet(store: Store, name: string, input: SetDetails, tally: Tally) {
  return store
    .insertInto('calibration_sets')
    .values({
      name,
      policy: input.policy ?? 'packed',
      hints_json: JSON.stringify(input.hints ?? {}),
      source_name: basename(input.source.path),
      source_path: input.source.path,
      source_sha256: input.source.sha256,
      content_sha256: tally.hash.digest('hex'),
      imported_at_ms: input.importedAtMs ?? Date.now(),
      sample_count: tally.samples,
      character_count: tally.characters
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** All calibration sets, by name. */
export async function listSets(store: Store): Promise<CalibrationSet[]> {
  return (
    await store.selectFrom('calibration_sets').selectAll().where('deletion', 'is', null).orderBy('name').execute()
  ).map(setOf)
}

/**
 * One set with its provenance.
 * @throws AppError BAD_INPUT when there is none of this name, with the names that there are
 */
export async function getSet(store: Store, name: string): Promise<CalibrationSet> {
  const row = await findRow(store, name)
  if (row === undefined) throw unknownSet(name, await listSets(store))
  return setOf(row)
}

/** One set; undefined when there is none of this name. */
export async function findSet(store: Store, name: string): Promise<CalibrationSet | undefined> {
  const row = await findRow(store, name)
  return row && setOf(row)
}

/** Every sample of a set, in order, a page at a time; throws as `getSet`. */
export async function* eachSample(store: Store, name: string): AsyncGenerator<string> {
  for (let after = -1; ; ) {
    const page = await readSamples(store, name, { after })
    if (page.length === 0) return
    for (const { text } of page) yield text
    after = page.at(-1)?.position ?? after
  }
}

/** Samples of a page, at most and fewer where they are long, and characters of a page that are then aimed at. */
const PAGE_SAMPLES = 500
const PAGE_CHARACTERS = 2 ** 22

/** A page of a set's samples in order: up to `limit` after the position `after` (-1: from the first), fewer where they are long. */
export async function readSamples(
  store: Store,
  name: string,
  { after = -1, limit = PAGE_SAMPLES }: { after?: number; limit?: number } = {}
): Promise<Sample[]> {
  const { id, sampleCount, characterCount } = await getSet(store, name)
  const fitting = Math.max(1, Math.floor((PAGE_CHARACTERS * sampleCount) / Math.max(1, characterCount)))
  return readSamplesOf(store, id, after, Math.min(limit, fitting))
}

/** Removes a set and its samples; throws as `getSet` when there is none. Runs that used it keep their own copy. */
export async function deleteSet(store: Store, name: string): Promise<void> {
  const { numDeletedRows } = await store
    .deleteFrom('calibration_sets')
    .where('name', '=', name)
    .where('deletion', 'is', null)
    .executeTakeFirstOrThrow()
  if (numDeletedRows === 0n) throw unknownSet(name, await listSets(store))
}

const findRow = (store: Store, name: string) =>
  store
    .selectFrom('calibration_sets')
    .selectAll()
    .where('name', '=', name)
    .where('deletion', 'is', null)
    .executeTakeFirst()

async function assertNameIsFree(store: Store, name: string): Promise<void> {
  const row = await findRow(store, name)
  if (row === undefined) return
  throw badInput(
    `there is already a calibration set named "${name}" (from ${row.source_name}, ${plural(row.sample_count, 'sample')}); ` +
      'delete it first, or choose another name'
  )
}

/** So many sets are named in a sentence. */
const MOST_NAMED = 12

function unknownSet(name: string, sets: readonly CalibrationSet[]) {
  const names = sets.map((set) => set.name)
  const near = nearestName(name, names)
  const more = names.length - MOST_NAMED
  const named = [...names.slice(0, MOST_NAMED), ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
  const known = names.length === 0 ? 'none is stored' : `stored are: ${named}`
  const hint = near === undefined ? '' : `; did you mean "${near}"?`
  return badInput(`there is no calibration set named "${name}"; ${known}${hint}`)
}

type SetRow = Omit<CalibrationSetsTable, 'id' | 'deletion'> & { id: number }

const setOf = (row: SetRow): CalibrationSet => ({
  id: row.id,
  name: row.name,
  policy: row.policy,
  hints: JSON.parse(row.hints_json) as Record<string, unknown>,
  source: { name: row.source_name, path: row.source_path, sha256: row.source_sha256 },
  contentSha256: row.content_sha256,
  importedAtMs: row.imported_at_ms,
  sampleCount: row.sample_count,
  characterCount: row.character_count
})
