import { sql } from 'kysely'
import type { Store } from './schema'

export interface Sample {
  /** 0 for the first sample of the set. */
  readonly position: number
  readonly text: string
}

export type Samples = Iterable<string> | AsyncIterable<string>

/** A sample as a line of a file: what lies in the inputs of a run, and what a set's content hash is made of. */
export const sampleLine = (text: string): string => `${JSON.stringify({ text })}\n`

/** Unicode characters (code points) of a text. */
export const countCharacters = (text: string): number =>
  text.length - (text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0)

/** Half of a surrogate pair cannot be stored as UTF-8: it becomes U+FFFD, before anything is counted or hashed. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\uFFFD')

const BATCH_SAMPLES = 1000
const BATCH_CHARACTERS = 2 ** 20

/**
 * Puts samples aside in a temporary table of this connection, so that reading a long or slow source holds no lock that
 * another process would wait for. `importId` tells this import's rows from those of another.
 */
export async function stageSamples(store: Store, importId: string, samples: Samples): Promise<void> {
  await sql`create temp table if not exists staged_samples
    (import_id text not null, position integer not null, text text not null)`.execute(store)
  let batch: [number, string][] = []
  let position = 0
  let characters = 0
  for await (const text of samples) {
    batch.push([position++, text])
    characters += text.length
    if (batch.length < BATCH_SAMPLES && characters < BATCH_CHARACTERS) continue
    await stageBatch(store, importId, batch)
    batch = []
    characters = 0
  }
  await stageBatch(store, importId, batch)
}

async function stageBatch(store: Store, importId: string, batch: readonly [number, string][]): Promise<void> {
  await sql`insert into temp.staged_samples (import_id, position, text)
    select ${importId}, value ->> 0, value ->> 1 from json_each(${JSON.stringify(batch)})`.execute(store)
}

/** Moves what was put aside into a set. */
export async function takeStagedSamples(store: Store, importId: string, setId: number): Promise<void> {
  await sql`insert into calibration_samples (set_id, position, text)
    select ${setId}, position, text from temp.staged_samples where import_id = ${importId}`.execute(store)
}

/** Throws away what was put aside. */
export async function dropStagedSamples(store: Store, importId: string): Promise<void> {
  await sql`delete from temp.staged_samples where import_id = ${importId}`.execute(store)
}

/** Up to `limit` samples of a set after a position, in order. */
export function readSamplesOf(store: Store, setId: number, after: number, limit: number): Promise<Sample[]> {
  return store
    .selectFrom('calibration_samples')
    .select(['position', 'text'])
    .where('set_id', '=', setId)
    .where('position', '>', after)
    .orderBy('position')
    .limit(limit)
    .execute()
}
