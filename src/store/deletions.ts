import { randomUUID } from 'node:crypto'
import { badInput } from '../shared/errors'
import { inTransaction } from './database'
import { DEFAULT_PROJECT } from './projects'
import type { Store } from './schema'

/*
 * What was deleted and can still be brought back. The rows of a deletion stay where they are and name it in their
 * column `deletion`; everything else in the store passes over rows that name one. Names are free for others at once.
 */

/** What is deleted together, and comes back together. */
export interface Deleted {
  readonly runs?: readonly string[]
  /** Names of calibration sets. */
  readonly sets?: readonly string[]
  /** Projects go with all their runs. */
  readonly projects?: readonly string[]
}

export interface Deletion {
  readonly id: string
  /** What was deleted, as a person is told: `3 runs`. */
  readonly title: string
  readonly atMs: number
}

/** Puts rows out of sight and returns the id by which they can be brought back; ids that there are not do nothing. */
export async function deleteForNow(
  store: Store,
  title: string,
  { runs = [], sets = [], projects = [] }: Deleted,
  atMs: number = Date.now()
): Promise<string> {
  if (projects.includes(DEFAULT_PROJECT)) throw badInput('the default project cannot be deleted')
  const id = randomUUID()
  await inTransaction(store, async (trx) => {
    await trx.insertInto('deletions').values({ id, title, at_ms: atMs }).execute()
    const hidden = { deletion: id }
    for (const run of runs) {
      await trx.updateTable('runs').set(hidden).where('id', '=', run).where('deletion', 'is', null).execute()
    }
    for (const name of sets) {
      await trx
        .updateTable('calibration_sets')
        .set({ ...hidden, name: hiddenName(name, id) })
        .where('name', '=', name)
        .where('deletion', 'is', null)
        .execute()
    }
    for (const project of projects) {
      await trx
        .updateTable('runs')
        .set(hidden)
        .where('project_id', '=', project)
        .where('deletion', 'is', null)
        .execute()
      await trx
        .updateTable('projects')
        .set(({ val, fn }) => ({ ...hidden, name: fn<string>('concat', ['name', val(hiddenName('', id))]) }))
        .where('id', '=', project)
        .where('deletion', 'is', null)
        .execute()
    }
  })
  return id
}

/**
 * Brings back what a deletion put out of sight. A name that was taken meanwhile gets a number.
 * @throws AppError BAD_INPUT when the deletion is final, or was undone before
 */
export async function undoDeletion(store: Store, id: string): Promise<Deletion> {
  return inTransaction(store, async (trx) => {
    const found = await trx.selectFrom('deletions').selectAll().where('id', '=', id).executeTakeFirst()
    if (found === undefined || found.final === 1)
      throw badInput('this deletion cannot be undone any more; it is final, or it was undone before')
    await trx.updateTable('runs').set({ deletion: null }).where('deletion', '=', id).execute()
    for (const table of ['calibration_sets', 'projects'] as const) {
      const rows = await trx.selectFrom(table).select('name').where('deletion', '=', id).execute()
      for (const { name } of rows) {
        const change = { deletion: null, name: await freeName(trx, table, shownName(name, id)) }
        await trx.updateTable(table).set(change).where('name', '=', name).execute()
      }
    }
    await trx.deleteFrom('deletions').where('id', '=', id).execute()
    return { id, title: found.title, atMs: found.at_ms }
  })
}

/** Deletions that can be undone, the newest first. */
export async function listDeletions(store: Store): Promise<Deletion[]> {
  const rows = await store
    .selectFrom('deletions')
    .selectAll()
    .where('final', '=', 0)
    .orderBy('at_ms', 'desc')
    .orderBy('id')
    .execute()
  return rows.map(({ id, title, at_ms }) => ({ id, title, atMs: at_ms }))
}

/**
 * Makes the deletions up to a time final, so that nobody can undo them any more, and returns their runs: their folders
 * are to be removed before `removeDeleted`. Those of a process that died between the two are among them.
 */
export async function takeFinal(store: Store, untilMs: number): Promise<{ deletion: string; runs: string[] }[]> {
  return inTransaction(store, async (trx) => {
    await trx.updateTable('deletions').set({ final: 1 }).where('at_ms', '<=', untilMs).execute()
    const deletions = await trx.selectFrom('deletions').select('id').where('final', '=', 1).execute()
    return Promise.all(
      deletions.map(async ({ id }) => {
        const runs = await trx.selectFrom('runs').select('id').where('deletion', '=', id).execute()
        return { deletion: id, runs: runs.map((run) => run.id) }
      })
    )
  })
}

/** Removes the rows of a deletion that is final, with everything that belongs to them. */
export async function removeDeleted(store: Store, id: string): Promise<void> {
  await inTransaction(store, async (trx) => {
    for (const table of ['runs', 'calibration_sets', 'projects'] as const) {
      await trx.deleteFrom(table).where('deletion', '=', id).execute()
    }
    await trx.deleteFrom('deletions').where('id', '=', id).execute()
  })
}

/** Names are unique in their table, and a deleted one is free for others. */
const hiddenName = (name: string, deletion: string): string => `${name} ${deletion}`

const shownName = (name: string, deletion: string): string => name.slice(0, -hiddenName('', deletion).length)

async function freeName(store: Store, table: 'calibration_sets' | 'projects', wanted: string): Promise<string> {
  const isTaken = (name: string) => store.selectFrom(table).select('name').where('name', '=', name).executeTakeFirst()
  let name = wanted
  for (let i = 2; (await isTaken(name)) !== undefined; i++) name = `${wanted}-${i}`
  return name
}
