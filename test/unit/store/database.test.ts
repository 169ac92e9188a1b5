import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { closeStore, inTransaction, openStore } from '../../../src/store/database'
import { createProject, listProjects } from '../../../src/store/projects'
import type { Store } from '../../../src/store/schema'
import { temporaryHome, temporaryStore } from '../../helpers/stores'

const pragma = async (store: Store, name: string) =>
  Object.values((await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(store)).rows[0]!)[0]

test('makes the directory and the file, and sets every pragma', async () => {
  const file = join(temporaryHome(), 'not', 'there', 'quail.db')
  const store = await openStore(file)
  expect(existsSync(file)).toBe(true)
  expect(await pragma(store, 'journal_mode')).toBe('wal')
  expect(await pragma(store, 'foreign_keys')).toBe(1)
  expect(await pragma(store, 'synchronous')).toBe(1)
  expect(await pragma(store, 'busy_timeout')).toBe(5000)
  await closeStore(store)
})

test('keeps what was stored when it is opened again', async () => {
  const file = join(temporaryHome(), 'quail.db')
  const first = await openStore(file)
  await createProject(first, 'law')
  await closeStore(first)
  const second = await openStore(file)
  expect((await listProjects(second)).map(({ name }) => name)).toEqual(['Default', 'law'])
  await closeStore(second)
})

test('refuses a file that is no database, and says how to rebuild', async () => {
  const file = join(temporaryHome(), 'quail.db')
  writeFileSync(file, 'this is a text, and long enough to have a header that SQLite reads'.repeat(100))
  await expect(openStore(file)).rejects.toMatchObject({
    code: 'STORE',
    message: expect.stringMatching(/quail\.db is damaged \(.+\); rebuild it .*`quail runs rebuild`/)
  })
})

test('refuses a database with a damaged page', async () => {
  const file = join(temporaryHome(), 'quail.db')
  const store = await openStore(file)
  const rows = Array.from({ length: 200 }, (_, i) => ({ id: `${i}`, name: `project ${i}`, created_at_ms: i }))
  await store.insertInto('projects').values(rows).execute()
  await closeStore(store)
  const bytes = readFileSync(file)
  // All pages after the first, which holds the schema: opening still works, reading does not.
  bytes.fill(0xa5, 4096)
  writeFileSync(file, bytes)
  await expect(openStore(file)).rejects.toMatchObject({ code: 'STORE', message: expect.stringContaining('is damaged') })
})

test('a directory in place of the file is an input or output error in one sentence', async () => {
  const file = join(temporaryHome(), 'quail.db')
  mkdirSync(file)
  await expect(openStore(file)).rejects.toMatchObject({ code: 'IO', message: expect.stringContaining(file) })
})

test('a transaction that fails leaves nothing, and the store works on', async () => {
  const store = await temporaryStore()
  const work = inTransaction(store, async (trx) => {
    await createProject(trx, 'law')
    await inTransaction(trx, (inner) => createProject(inner, 'medicine'))
    throw new Error('stop')
  })
  await expect(work).rejects.toThrow('stop')
  expect(await listProjects(store)).toHaveLength(1)
  await createProject(store, 'law')
  expect(await listProjects(store)).toHaveLength(2)
})

test('statements called at once from many places keep to their transactions', async () => {
  const store = await temporaryStore()
  const transfers = Array.from({ length: 20 }, (_, i) =>
    inTransaction(store, async (trx) => {
      await createProject(trx, `a${i}`)
      await createProject(trx, `b${i}`)
      if (i % 2 === 1) throw new Error('odd')
    })
  )
  const outcomes = await Promise.allSettled(transfers)
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
  expect(await listProjects(store)).toHaveLength(1 + 20)
})
