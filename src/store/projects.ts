import { randomUUID } from 'node:crypto'
import { badInput } from '../shared/errors'
import type { Store } from './schema'

/** The project of every run that names no other; it always exists. */
export const DEFAULT_PROJECT = 'default'

export interface Project {
  readonly id: string
  readonly name: string
  readonly createdAtMs: number
  readonly runs: number
}

/**
 * Makes a project and returns its id.
 * @throws AppError BAD_INPUT when the name is empty or taken
 */
export async function createProject(store: Store, name: string, createdAtMs: number = Date.now()): Promise<string> {
  if (name.trim() === '') throw badInput('a project needs a name')
  const id = randomUUID()
  const { numInsertedOrUpdatedRows } = await store
    .insertInto('projects')
    .values({ id, name, created_at_ms: createdAtMs })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows === 0n) throw badInput(`there is already a project named "${name}"`)
  return id
}

/** All projects with their number of runs, in the order of their making. */
export async function listProjects(store: Store): Promise<Project[]> {
  const rows = await store
    .selectFrom('projects')
    .select(({ selectFrom }) => [
      'id',
      'name',
      'created_at_ms as createdAtMs',
      selectFrom('runs')
        .whereRef('runs.project_id', '=', 'projects.id')
        .select(({ fn }) => fn.countAll<number>().as('runs'))
        .as('runs')
    ])
    .orderBy('created_at_ms')
    .orderBy('id')
    .execute()
  return rows.map((row) => ({ ...row, runs: row.runs ?? 0 }))
}

/**
 * Removes a project with the stored data of its runs; files on disk stay.
 * @throws AppError BAD_INPUT for the default project and for an unknown id
 */
export async function deleteProject(store: Store, id: string): Promise<void> {
  if (id === DEFAULT_PROJECT) throw badInput('the default project cannot be deleted')
  const { numDeletedRows } = await store.deleteFrom('projects').where('id', '=', id).executeTakeFirstOrThrow()
  if (numDeletedRows === 0n) throw badInput(`there is no project with the id "${id}"`)
}
