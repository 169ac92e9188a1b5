import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { SqliteDialect } from '../../src/store/dialect'
import { migrate } from '../../src/store/migrate'
import { MIGRATIONS } from '../../src/store/migrations'
import { type Desk, openDesk, removeTemporary, temporaryFolder } from './harness'

/* What the window does with a database that it must not touch, or must change first. */

let desk: Desk | undefined

afterEach(async () => {
  await desk?.close()
  desk = undefined
})

afterAll(removeTemporary)

/** Opens a database file, works on it and closes it. */
async function withDatabase<T>(file: string, work: (database: Kysely<unknown>) => Promise<T>): Promise<T> {
  const database = new Kysely<unknown>({ dialect: new SqliteDialect(file) })
  try {
    return await work(database)
  } finally {
    await database.destroy()
  }
}

const setVersion = (file: string, version: number): Promise<unknown> =>
  withDatabase(file, (database) => sql.raw(`pragma user_version = ${version}`).execute(database))

const versionOf = (file: string): Promise<number | undefined> =>
  withDatabase(file, async (database) => {
    const { rows } = await sql<{ user_version: number }>`pragma user_version`.execute(database)
    return rows[0]?.user_version
  })

const projectsOf = (file: string): Promise<string[]> =>
  withDatabase(file, async (database) => {
    const { rows } = await sql<{ name: string }>`select name from projects order by name`.execute(database)
    return rows.map(({ name }) => name)
  })

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

/** The database as the first released schema left it, with a project of its own. */
async function oldHome(): Promise<{ home: string; file: string }> {
  const home = await temporaryFolder()
  const file = join(home, 'quail.db')
  await withDatabase(file, async (database) => {
    await migrate(database, file, MIGRATIONS.slice(0, 1))
    await sql`insert into projects (id, name, created_at_ms) values ('p1', 'Wrens', 1700000000000)`.execute(database)
  })
  return { home, file }
}

describe('a database of an earlier Quail', () => {
  test('is brought up to date with what it holds, and a copy of it is kept', async () => {
    const { home, file } = await oldHome()
    desk = await openDesk({ home })
    await desk.page.getByRole('region', { name: 'Projects' }).getByText('Wrens', { exact: true }).waitFor()
    await desk.close()
    desk = undefined
    expect(await versionOf(file)).toBe(MIGRATIONS.length)
    for (let version = 2; version <= MIGRATIONS.length; version++) {
      expect(await versionOf(`${file}.before-${version}`)).toBe(version - 1)
    }
    expect(await projectsOf(`${file}.before-2`)).toContain('Wrens')
  })
})

describe('a database of a newer Quail', () => {
  test('is refused with what to do, is not rebuilt and not changed, and opens when it fits again', async () => {
    const { home, file } = await oldHome()
    await setVersion(file, MIGRATIONS.length + 7)
    const before = hashOf(file)
    desk = await openDesk({ home })
    const { page } = desk
    await page.getByText(`was written by a newer Quail (schema ${MIGRATIONS.length + 7}`).waitFor()
    await expect.poll(() => page.getByRole('button', { name: /from the run folders/ }).count()).toBe(0)
    expect(await page.evaluate("window.quail.call('projects.list', {})")).toMatchObject({ ok: false })
    expect(hashOf(file)).toBe(before)
    expect(readdirSync(home).filter((name) => name.includes('.before-'))).toEqual([])

    await setVersion(file, 1)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('region', { name: 'Projects' }).getByText('Wrens', { exact: true }).waitFor()
  })
})

describe('a data folder that cannot be made', () => {
  test('is named, and the window opens once the way is free', async () => {
    const place = join(await temporaryFolder(), 'taken')
    writeFileSync(place, 'a file where the data folder should be')
    desk = await openDesk({ home: join(place, 'quail') })
    const { page } = desk
    await page.getByRole('heading', { name: 'The database cannot be used' }).waitFor()
    await page.getByText(place).first().waitFor()
    expect(readFileSync(place, 'utf8')).toBe('a file where the data folder should be')
    rmSync(place)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('navigation', { name: 'Pages' }).waitFor()
    expect(existsSync(join(place, 'quail', 'quail.db'))).toBe(true)
  })
})
