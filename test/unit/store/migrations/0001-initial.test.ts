import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { SqliteDialect } from '../../../../src/store/dialect'
import { migrate } from '../../../../src/store/migrate'
import { initial } from '../../../../src/store/migrations/0001-initial'
import { insertRun } from '../../../../src/store/runs'
import type { Schema, Store } from '../../../../src/store/schema'
import { runRecord, temporaryHome } from '../../../helpers/stores'

/** A database with the first schema alone, whatever comes after it. */
async function firstSchema(): Promise<Store> {
  const file = join(temporaryHome(), 'quail.db')
  const store = new Kysely<Schema>({ dialect: new SqliteDialect(file) })
  onTestFinished(() => store.destroy())
  await migrate(store, file, [initial])
  return store
}

test('makes these tables, all strict, and the default project', async () => {
  const store = await firstSchema()
  const { rows } = await sql<{ name: string; strict: number }>`select name, strict from pragma_table_list
    where schema = 'main' and name not like 'sqlite_%' order by name`.execute(store)
  expect(rows.map(({ name }) => name)).toEqual([
    'artifacts',
    'calibration_samples',
    'calibration_sets',
    'layer_results',
    'models',
    'projects',
    'recipes',
    'run_events',
    'runs'
  ])
  expect(rows.every(({ strict }) => strict === 1)).toBe(true)
  expect((await store.selectFrom('projects').select('id').execute()).map(({ id }) => id)).toEqual(['default'])
})

test('ties everything of a run to it, and a run to its project, recipe and model', async () => {
  const store = await firstSchema()
  const { rows } = await sql<{ name: string; to: string; on_delete: string }>`
    select t.name, f."table" as "to", f.on_delete from pragma_table_list t, pragma_foreign_key_list(t.name) f
    where t.schema = 'main' order by t.name, f."table"`.execute(store)
  expect(rows.map((r) => `${r.name} -> ${r.to}: ${r.on_delete}`)).toEqual([
    'artifacts -> runs: CASCADE',
    'calibration_samples -> calibration_sets: CASCADE',
    'layer_results -> runs: CASCADE',
    'run_events -> runs: CASCADE',
    'runs -> models: NO ACTION',
    'runs -> projects: CASCADE',
    'runs -> recipes: NO ACTION'
  ])
})

test('an event of an unknown run is refused', async () => {
  const store = await firstSchema()
  const row = { run_id: 'nobody', position: 0, attempt: 1, seq: 0, type: 'warning', event_json: '{}' }
  await expect(store.insertInto('run_events').values(row).execute()).rejects.toThrow('FOREIGN KEY constraint failed')
})

test('a status that is not known, and a finished run without a time, are refused', async () => {
  const store = await firstSchema()
  await insertRun(store, runRecord('a'))
  const set = (change: object) => store.updateTable('runs').set(change).where('id', '=', 'a').execute()
  await expect(set({ status: 'interrupted', finished_at_ms: 1 })).rejects.toThrow('CHECK constraint failed')
  await expect(set({ status: 'completed' })).rejects.toThrow('CHECK constraint failed')
  await set({ status: 'completed', finished_at_ms: 1 })
})
