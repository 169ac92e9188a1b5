import { randomUUID } from 'node:crypto'
import { rename, rm } from 'node:fs/promises'
import { type Kysely, sql } from 'kysely'
import { AppError } from '../shared/errors'
import type { Migration } from './migrations/migration'

/** Marks a file as ours ("QUIL"), so that another program's database is not taken for an old one of Quail. */
const APPLICATION_ID = 0x5155494c

/**
 * Brings a database to the newest schema, each step in a transaction of its own.
 *
 * Before a step changes an existing database, a copy is made as `<file>.before-<version>`. Two processes may come here
 * at once: the version is read again under the write lock.
 * @throws AppError STORE when the schema is newer than this program, the file is another program's database, or a step
 *   fails (the database is then as before)
 */
export async function migrate<S>(store: Kysely<S>, file: string, migrations: readonly Migration[]): Promise<void> {
  await assertOurs(store, file)
  const version = await readVersion(store)
  if (version > migrations.length) throw newerSchema(file, version, migrations.length)
  // A step that rebuilds a table must not cascade; the pragma has no effect inside a transaction.
  await sql`pragma foreign_keys = off`.execute(store)
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue
    if (version > 0) await copyBefore(store, file, index + 1)
    try {
      await applyStep(store, migration, index + 1)
    } catch (error) {
      throw failedStep(error, file, migration, version > 0 ? copyName(file, index + 1) : undefined)
    }
  }
  await sql`pragma foreign_keys = on`.execute(store)
}

async function applyStep<S>(store: Kysely<S>, migration: Migration, target: number): Promise<void> {
  await store.transaction().execute(async (trx) => {
    if ((await readVersion(trx)) >= target) return // another process was faster
    for (const statement of migration.statements) await sql.raw(statement).execute(trx)
    const broken = await sql`pragma foreign_key_check`.execute(trx)
    if (broken.rows.length > 0) throw new Error(`${broken.rows.length} rows would refer to rows that do not exist`)
    await sql.raw(`pragma application_id = ${APPLICATION_ID}`).execute(trx)
    await sql.raw(`pragma user_version = ${target}`).execute(trx)
  })
}

function failedStep(error: unknown, file: string, { name }: Migration, copy: string | undefined): unknown {
  if (error instanceof AppError) return error
  const detail = error instanceof Error ? error.message : String(error)
  const kept = copy === undefined ? '' : `; it is as before this step, and a copy is ${copy}`
  return new AppError('STORE', `${file} cannot be migrated by ${name}: ${detail}${kept}`, { cause: error })
}

const copyName = (file: string, version: number): string => `${file}.before-${version}`

/** Written under another name first: a copy that an interrupted process left half-written must not look complete. */
async function copyBefore<S>(store: Kysely<S>, file: string, version: number): Promise<void> {
  const partial = `${copyName(file, version)}.${randomUUID()}.partial`
  await sql`vacuum into ${partial}`.execute(store)
  // Another process may have done the step meanwhile; then it also made the copy, and this one is too late.
  if ((await readVersion(store)) >= version) await rm(partial)
  else await rename(partial, copyName(file, version))
}

async function assertOurs<S>(store: Kysely<S>, file: string): Promise<void> {
  // The tables first: another process that makes them now sets the id in the same transaction.
  const tables = await sql`select name from sqlite_schema limit 1`.execute(store)
  const id = (await sql<{ application_id: number }>`pragma application_id`.execute(store)).rows[0]!.application_id
  if (id === APPLICATION_ID) return
  if (id === 0 && tables.rows.length === 0) return
  throw new AppError(
    'STORE',
    `${file} is the SQLite database of another program; move it away, or set QUAIL_HOME to another directory`
  )
}

async function readVersion<S>(store: Kysely<S>): Promise<number> {
  return (await sql<{ user_version: number }>`pragma user_version`.execute(store)).rows[0]!.user_version
}

const newerSchema = (file: string, version: number, known: number): AppError =>
  new AppError(
    'STORE',
    `${file} was written by a newer Quail (schema ${version}, this one knows up to ${known}); ` +
      'install the newer version, or set QUAIL_HOME to another directory'
  )
