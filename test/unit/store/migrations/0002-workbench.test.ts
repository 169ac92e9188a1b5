import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { SqliteDialect } from '../../../../src/store/dialect'
import { migrate } from '../../../../src/store/migrate'
import { MIGRATIONS } from '../../../../src/store/migrations'
import { appendEvents, eventsAfter, readEvents } from '../../../../src/store/runEvents'
import { getRun, listRuns, runsPage } from '../../../../src/store/runQueries'
import { insertRun } from '../../../../src/store/runs'
import type { Schema, Store } from '../../../../src/store/schema'
import { eventsOf, runOutcome, runRecord, temporaryHome } from '../../../helpers/stores'

/** What reads runs knows the newest schema alone. */
const NEWEST = MIGRATIONS.length

/** A database of this many steps of the schema. */
async function schema(file: string, steps: number): Promise<Store> {
  const store = new Kysely<Schema>({ dialect: new SqliteDialect(file) })
  onTestFinished(() => store.destroy())
  await migrate(store, file, MIGRATIONS.slice(0, steps))
  return store
}

/** All events of the run with this id. */
function eventsOfRun(id: string) {
  const record = runRecord(id)
  return eventsOf(record, runOutcome(record), { bytes: 7, sha256: 'f'.repeat(64) })
}

const newFile = (): string => join(temporaryHome(), 'quail.db')

async function planOf(store: Store, query: { compile(): { sql: string; parameters: readonly unknown[] } }) {
  const { sql: text, parameters } = query.compile()
  const { rows } = await store.executeQuery<{ detail: string }>({
    ...sql`select 1`.compile(store),
    sql: `explain query plan ${text}`,
    parameters
  })
  return rows.map(({ detail }) => detail).join('\n')
}

test('keeps the runs of the first schema with their events, in order', async () => {
  const file = newFile()
  const before = await schema(file, 1)
  for (const id of ['b', 'a']) {
    await insertRun(before, runRecord(id))
    await appendEvents(before, id, eventsOfRun(id))
  }
  const events = await readEvents(before, 'a')
  await before.destroy()
  const store = await schema(file, NEWEST)
  expect(
    (await listRuns(store)).map(({ id, status, notes, tags, queuePosition }) => [
      id,
      status,
      notes,
      tags,
      queuePosition
    ])
  ).toEqual([
    ['b', 'running', '', [], null],
    ['a', 'running', '', [], null]
  ])
  expect((await getRun(store, 'a')).record).toEqual(runRecord('a'))
  expect(await readEvents(store, 'a')).toEqual(events)
})

test('a run goes with its events also from the table that was made anew', async () => {
  const store = await schema(newFile(), 2)
  await insertRun(store, runRecord('a'))
  await appendEvents(store, 'a', eventsOfRun('a'))
  await store.deleteFrom('runs').where('id', '=', 'a').execute()
  expect(await readEvents(store, 'a')).toEqual([])
})

test('a queued run has a place in the queue and no end; any other has no place', async () => {
  const store = await schema(newFile(), 2)
  await insertRun(store, runRecord('a'))
  const set = (change: object) => store.updateTable('runs').set(change).where('id', '=', 'a').execute()
  await expect(set({ status: 'queued' })).rejects.toThrow('CHECK constraint failed')
  await expect(set({ queue_position: 1 })).rejects.toThrow('CHECK constraint failed')
  await expect(set({ status: 'queued', queue_position: 1, finished_at_ms: 1 })).rejects.toThrow(
    'CHECK constraint failed'
  )
  await set({ status: 'queued', queue_position: 1 })
})

test('reading events and the list of runs goes through an index, without sorting', async () => {
  const store = await schema(newFile(), NEWEST)
  const events = await planOf(store, eventsAfter(store, 'a', 5))
  expect(events).toContain('SEARCH run_events USING INDEX sqlite_autoindex_run_events_1 (run_id=? AND position>?)')
  expect(events).not.toContain('TEMP B-TREE')
  const all = await planOf(store, runsPage(store, { limit: 50 }))
  expect(all).toContain('USING INDEX runs_newest')
  expect(all).not.toContain('TEMP B-TREE')
  const ofProject = await planOf(store, runsPage(store, { project: 'default', limit: 50 }))
  expect(ofProject).toContain('USING INDEX runs_of_project')
  expect(ofProject).not.toContain('TEMP B-TREE')
})
