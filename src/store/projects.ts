import { randomUUID } from 'node:crypto'
import type { Updateable } from 'kysely'
import { badInput } from '../shared/errors'
import type { ProjectsTable, Store } from './schema'

/** The project of every run that names no other; it always exists. */
export const DEFAULT_PROJECT = 'default'

export interface Project {
  readonly id: string
  readonly name: string
  readonly notes: string
  readonly createdAtMs: number
  /** When it was put out of sight; null while it is in use. */
  readonly archivedAtMs: number | null
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
      'notes',
      'created_at_ms as createdAtMs',
      'archived_at_ms as archivedAtMs',
      selectFrom('runs')
        .whereRef('runs.project_id', '=', 'projects.id')
        .where('runs.deletion', 'is', null)
        .select(({ fn }) => fn.countAll<number>().as('runs'))
        .as('runs')
    ])
    .where('deletion', 'is', null)
    .orderBy('created_at_ms')
    .orderBy('id')
    .execute()
  return rows.map((row) => ({ ...row, runs: row.runs ?? 0 }))
}

/** One project; throws AppError BAD_INPUT when there is none of this id. */
export async function getProject(store: Store, id: string): Promise<Project> {
  const found = (await listProjects(store)).find((project) => project.id === id)
  if (found === undefined) throw unknownProject(id)
  return found
}

/**
 * Gives a project another name.
 * @throws AppError BAD_INPUT when the name is empty or taken, or there is no such project
 */
export async function renameProject(store: Store, id: string, name: string): Promise<void> {
  if (name.trim() === '') throw badInput('a project needs a name')
  const taken = await store.selectFrom('projects').select('id').where('name', '=', name).executeTakeFirst()
  if (taken !== undefined && taken.id !== id) throw badInput(`there is already a project named "${name}"`)
  await updateProject(store, id, { name })
}

export const setProjectNotes = (store: Store, id: string, notes: string): Promise<void> =>
  updateProject(store, id, { notes })

/** Puts a project out of sight, or back; its runs stay as they are. The default project stays in sight. */
export async function setProjectArchived(store: Store, id: string, atMs: number | null): Promise<void> {
  if (id === DEFAULT_PROJECT) throw badInput('the default project cannot be archived')
  await updateProject(store, id, { archived_at_ms: atMs })
}

async function updateProject(store: Store, id: string, change: Updateable<ProjectsTable>): Promise<void> {
  const { numUpdatedRows } = await store
    .updateTable('projects')
    .set(change)
    .where('id', '=', id)
    .where('deletion', 'is', null)
    .executeTakeFirstOrThrow()
  if (numUpdatedRows === 0n) throw unknownProject(id)
}

const unknownProject = (id: string) => badInput(`there is no project with the id "${id}"`)
