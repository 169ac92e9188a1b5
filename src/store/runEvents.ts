import type { LayerResult, RunEvent } from '../shared/runEvents'
import { saveArtifact } from './artifacts'
import { inTransaction } from './database'
import { readLayerResults, type StoredLayerResult, saveLayerResults } from './layerResults'
import { unknownRun } from './runQueries'
import { saveRefinement } from './runs'
import type { Store } from './schema'

/*
 * The events of a run, over all its attempts. `seq` starts from 0 again when another process resumes the run, so an
 * event's key is its `position`: it rises by one from 0 within the run, whatever the attempt. A window that shows the
 * run asks for what comes after the last position it has.
 *
 * The results that `layerFinished` and `finished` carry lie once, in layer_results, and are put back when events are
 * read. Were they kept in each event too, the database would be three times as large.
 */

export interface StoredEvent {
  readonly position: number
  readonly attempt: number
  readonly event: RunEvent
}

/**
 * Stores events as the next of the run's present attempt, with the layer results, refinements and artifacts that they
 * tell of; all of them or none.
 * @throws AppError BAD_INPUT when there is no such run
 */
export async function appendEvents(store: Store, run: string, events: readonly RunEvent[]): Promise<void> {
  if (events.length === 0) return
  await inTransaction(store, async (trx) => {
    const attempt = await presentAttempt(trx, run)
    const next = await nextPosition(trx, run)
    const rows = events.map((event, index) => ({
      run_id: run,
      position: next + index,
      attempt,
      seq: event.seq,
      type: event.type,
      event_json: JSON.stringify(withoutLayers(event))
    }))
    for (let i = 0; i < rows.length; i += ROWS_PER_INSERT) {
      await trx
        .insertInto('run_events')
        .values(rows.slice(i, i + ROWS_PER_INSERT))
        .execute()
    }
    await saveLayerResults(trx, run, events.flatMap(layersOf))
    for (const event of events) {
      if (event.type === 'artifactWritten') await saveArtifact(trx, run, event)
      if (event.type === 'refined') await saveRefinement(trx, run, event)
    }
  })
}

/** Six parameters a row; SQLite takes 32,766 in a statement. */
const ROWS_PER_INSERT = 500

/** Up to `limit` events of a run after a position (-1: from the first), in order, over all attempts. */
export async function readEvents(
  store: Store,
  run: string,
  after = -1,
  limit: number = Number.MAX_SAFE_INTEGER
): Promise<StoredEvent[]> {
  const rows = await eventsAfter(store, run, after).limit(limit).execute()
  const events = rows.map((row) => ({
    position: row.position,
    attempt: row.attempt,
    event: JSON.parse(row.event_json) as RunEvent
  }))
  const find = await findLayers(
    store,
    run,
    events.map(({ event }) => event)
  )
  return events.map((stored) => ({ ...stored, event: withLayers(stored.event, find) }))
}

/** The events of some types, in order, over all attempts; of the layer results that they carry, the names alone. */
export async function readEventsOf(
  store: Store,
  run: string,
  types: readonly RunEvent['type'][]
): Promise<StoredEvent[]> {
  const rows = await eventsAfter(store, run, -1).where('type', 'in', types).execute()
  return rows.map(({ event_json, ...row }) => ({ ...row, event: JSON.parse(event_json) as RunEvent }))
}

/** The query behind `readEvents`; exported for the test that looks at its plan. */
export const eventsAfter = (store: Store, run: string, after: number) =>
  store
    .selectFrom('run_events')
    .select(['position', 'attempt', 'event_json'])
    .where('run_id', '=', run)
    .where('position', '>', after)
    .orderBy('position')

async function presentAttempt(store: Store, run: string): Promise<number> {
  const row = await store.selectFrom('runs').select('attempt').where('id', '=', run).executeTakeFirst()
  if (row === undefined) throw unknownRun(run)
  return row.attempt
}

async function nextPosition(store: Store, run: string): Promise<number> {
  const { last } = await store
    .selectFrom('run_events')
    .select(({ fn }) => fn.max<number | null>('position').as('last'))
    .where('run_id', '=', run)
    .executeTakeFirstOrThrow()
  return last === null ? 0 : last + 1
}

const layersOf = (event: RunEvent): StoredLayerResult[] => {
  if (event.type === 'layerFinished') return event.results.map((result) => ({ ...result, block: event.block }))
  if (event.type !== 'finished') return []
  return event.variants.flatMap(({ name, layers }) => layers.map((result) => ({ variant: name, block: null, result })))
}

/** A stored event holds of each layer result the name alone. */
const nameOnly = ({ name }: LayerResult) => ({ name }) as LayerResult

function withoutLayers(event: RunEvent): RunEvent {
  if (event.type === 'layerFinished') {
    return { ...event, results: event.results.map(({ variant, result }) => ({ variant, result: nameOnly(result) })) }
  }
  if (event.type !== 'finished') return event
  return { ...event, variants: event.variants.map((v) => ({ ...v, layers: v.layers.map(nameOnly) })) }
}

type FindLayer = (variant: string, name: string) => LayerResult

/** Reads the layer results that these events leave out. */
async function findLayers(store: Store, run: string, events: readonly RunEvent[]): Promise<FindLayer> {
  const names = new Set(events.flatMap(layersOf).map(({ result }) => result.name))
  const stored = names.size === 0 ? [] : await readLayerResults(store, run, { layers: [...names] })
  const byKey = new Map(stored.map(({ variant, result }) => [JSON.stringify([variant, result.name]), result]))
  return (variant, name) => byKey.get(JSON.stringify([variant, name]))!
}

function withLayers(event: RunEvent, find: FindLayer): RunEvent {
  if (event.type === 'layerFinished') {
    const results = event.results.map(({ variant, result }) => ({ variant, result: find(variant, result.name) }))
    return { ...event, results }
  }
  if (event.type !== 'finished') return event
  const variants = event.variants.map((v) => ({ ...v, layers: v.layers.map(({ name }) => find(v.name, name)) }))
  return { ...event, variants }
}
