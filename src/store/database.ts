import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Kysely, sql } from 'kysely'
import { SqliteDialect } from './dialect'
import { migrate } from './migrate'
import { MIGRATIONS } from './migrations'
import type { Schema, Store } from './schema'
import { damagedDatabase } from './sqliteErrors'

/**
 * Opens the database, makes it (and its directory) when there is none, checks it and brings it to the newest schema.
 *
 * Several processes may have the same file open; a writer waits for another for up to 5 seconds.
 * @throws AppError STORE when the file is damaged, of a newer Quail, of another program, or locked; IO when it cannot be
 *   read or written
 */
export async function openStore(file: string): Promise<Store> {
  await mkdir(dirname(file), { recursive: true }) // services made Quail's own before, with words for where it cannot be
  const store: Store = new Kysely<Schema>({ dialect: new SqliteDialect(file) })
  try {
    await assertHealthy(store, file)
    await migrate(store, file, MIGRATIONS)
    return store
  } catch (error) {
    await store.destroy()
    throw error
  }
}

/** Closes the database; the last process to close it folds the write-ahead log into the file. */
export async function closeStore(store: Store): Promise<void> {
  await store.destroy()
}

/** A number that changes when another process has written to the database, never by writes of this one. */
export async function readDataVersion(store: Store): Promise<number> {
  const { rows } = await sql<{ data_version: number }>`pragma data_version`.execute(store)
  return rows[0]?.data_version ?? 0
}

/** Runs `work` in one transaction, in the surrounding one when `store` is a transaction already. */
export function inTransaction<T>(store: Store, work: (trx: Store) => Promise<T>): Promise<T> {
  return store.isTransaction ? work(store) : store.transaction().execute(work)
}

async function assertHealthy(store: Store, file: string): Promise<void> {
  const { rows } = await sql<{ quick_check: string }>`pragma quick_check(1)`.execute(store)
  const found = rows[0]?.quick_check
  if (found !== 'ok') throw damagedDatabase(file, found ?? 'no answer to quick_check')
}
