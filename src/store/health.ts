import { sql } from 'kysely'
import type { Schema, Store } from './schema'

/** How the database is: its schema, SQLite's own check, and how much each table holds. */
export interface DatabaseHealth {
  readonly schema: number
  readonly sqlite: string
  /** 'ok', or the first fault. */
  readonly check: string
  readonly rows: Readonly<Record<string, number>>
}

const TABLES = ['projects', 'models', 'calibration_sets', 'recipes', 'runs', 'run_events', 'layer_results'] as const

/** Checks the whole file, which reads all of it. */
export async function databaseHealth(store: Store): Promise<DatabaseHealth> {
  const version = await sql<{ user_version: number }>`pragma user_version`.execute(store)
  const check = await sql<{ quick_check: string }>`pragma quick_check(1)`.execute(store)
  const library = await sql<{ version: string }>`select sqlite_version() as version`.execute(store)
  const rows: Record<string, number> = {}
  for (const table of TABLES) rows[table] = await countOf(store, table)
  return {
    schema: version.rows[0]!.user_version,
    sqlite: library.rows[0]!.version,
    check: check.rows[0]?.quick_check ?? 'no answer',
    rows
  }
}

async function countOf(store: Store, table: keyof Schema): Promise<number> {
  const { count } = await store
    .selectFrom(table)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}
