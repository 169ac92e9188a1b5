import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/store/database'
import { SqliteDialect } from '../../../src/store/dialect'
import { migrate } from '../../../src/store/migrate'
import { MIGRATIONS } from '../../../src/store/migrations'
import type { Migration } from '../../../src/store/migrations/migration'
import { temporaryHome } from '../../helpers/stores'

const first: Migration = {
  name: '0001-birds',
  statements: [
    'create table nests (id integer primary key) strict',
    'create table birds (name text not null, nest integer references nests (id)) strict'
  ]
}
const second: Migration = { name: '0002-weight', statements: ['alter table birds add column weight real'] }

function open(file: string): Kysely<unknown> {
  const database = new Kysely<unknown>({ dialect: new SqliteDialect(file) })
  onTestFinished(() => database.destroy())
  return database
}

const columns = async (database: Kysely<unknown>) =>
  (await sql<{ name: string }>`select name from pragma_table_info('birds')`.execute(database)).rows.map((r) => r.name)

const version = async (database: Kysely<unknown>) =>
  (await sql<{ user_version: number }>`pragma user_version`.execute(database)).rows[0]!.user_version

test('a new file gets every step and no copy', async () => {
  const home = temporaryHome()
  const database = open(join(home, 'quail.db'))
  await migrate(database, join(home, 'quail.db'), [first, second])
  expect(await version(database)).toBe(2)
  expect(await columns(database)).toEqual(['name', 'nest', 'weight'])
  expect(readdirSync(home).filter((name) => name.includes('before'))).toEqual([])
})

test('an existing database is copied before a step, and the copy holds the old schema and rows', async () => {
  const home = temporaryHome()
  const file = join(home, 'quail.db')
  const database = open(file)
  await migrate(database, file, [first])
  await sql`insert into birds (name) values ('quail')`.execute(database)
  await migrate(database, file, [first, second])
  expect(await columns(database)).toEqual(['name', 'nest', 'weight'])
  const copy = open(`${file}.before-2`)
  expect(await version(copy)).toBe(1)
  expect((await sql`select * from birds`.execute(copy)).rows).toEqual([{ name: 'quail', nest: null }])
  expect(readdirSync(home).filter((name) => name.includes('partial'))).toEqual([])
})

test('migrating twice changes nothing', async () => {
  const file = join(temporaryHome(), 'quail.db')
  const database = open(file)
  await migrate(database, file, [first, second])
  await migrate(database, file, [first, second])
  expect(await version(database)).toBe(2)
})

test('a step that fails is undone as a whole and says where the copy is', async () => {
  const file = join(temporaryHome(), 'quail.db')
  const database = open(file)
  await migrate(database, file, [first])
  const broken: Migration = { name: '0002-broken', statements: [...second.statements, 'insert into owls values (1)'] }
  await expect(migrate(database, file, [first, broken])).rejects.toMatchObject({
    code: 'STORE',
    message: expect.stringMatching(
      /cannot be migrated by 0002-broken: .*no such table: owls.*copy is .*quail\.db\.before-2$/
    )
  })
  expect(await columns(database)).toEqual(['name', 'nest'])
  expect(await version(database)).toBe(1)
})

test('a step that would break a foreign key is undone', async () => {
  const file = join(temporaryHome(), 'quail.db')
  const database = open(file)
  await migrate(database, file, [first])
  const broken: Migration = { name: '0002-lost', statements: [`insert into birds values ('quail', 7)`] }
  await expect(migrate(database, file, [first, broken])).rejects.toThrow('1 rows would refer to rows that do not exist')
  expect((await sql`select * from birds`.execute(database)).rows).toEqual([])
})

test('a database of a newer Quail is refused and left alone', async () => {
  const file = join(temporaryHome(), 'quail.db')
  const database = open(file)
  await migrate(database, file, [first, second])
  const newer = MIGRATIONS.length + 1
  await sql.raw(`pragma user_version = ${newer}`).execute(database)
  await expect(openStore(file)).rejects.toMatchObject({
    code: 'STORE',
    message: expect.stringContaining(`written by a newer Quail (schema ${newer}, this one knows up to ${newer - 1})`)
  })
  expect(await columns(database)).toEqual(['name', 'nest', 'weight'])
})

test('the database of another program is refused', async () => {
  const file = join(temporaryHome(), 'quail.db')
  await sql`create table songs (title text)`.execute(open(file))
  await expect(openStore(file)).rejects.toMatchObject({
    code: 'STORE',
    message: expect.stringContaining('is the SQLite database of another program')
  })
})

test('connections that migrate at once apply each step once, and the copy is from before it', async () => {
  const file = join(temporaryHome(), 'quail.db')
  const databases = Array.from({ length: 4 }, () => open(file))
  await Promise.all(databases.map((database) => migrate(database, file, [first])))
  await Promise.all(databases.map((database) => migrate(database, file, [first, second])))
  expect(await columns(databases[0]!)).toEqual(['name', 'nest', 'weight'])
  expect(await version(open(`${file}.before-2`))).toBe(1)
})
