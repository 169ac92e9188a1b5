import { badInput } from '../shared/errors'
import { memberName, SweepMember } from '../shared/sweep'
import { inTransaction } from './database'
import { type RunSummary, selectRuns, summaryOf } from './runQueries'
import type { Store } from './schema'

/** A run that is part of a sweep. */
export interface StoredSweepRun {
  readonly run: RunSummary
  readonly member: SweepMember
}

/** The runs of one sweep, or of all, the oldest first. */
export async function listSweepRuns(store: Store, sweep?: string): Promise<StoredSweepRun[]> {
  let query = selectRuns(store).select('runs.sweep_json').where('runs.sweep_id', 'is not', null)
  if (sweep !== undefined) query = query.where('runs.sweep_id', '=', sweep)
  const rows = await query.orderBy('runs.created_at_ms').orderBy('runs.id').execute()
  return rows.map((row) => ({ run: summaryOf(row), member: parseMember(row.sweep_json) }))
}

/** Ids of the sweeps that begin so, or the one that is called so; none for an empty text. */
export async function findSweepIds(store: Store, beginning: string): Promise<string[]> {
  if (beginning === '') return []
  const rows = await store
    .selectFrom('runs')
    .select('sweep_id')
    .distinct()
    .where('sweep_id', 'is not', null)
    .where('deletion', 'is', null)
    .where(({ fn, val }) => fn<string>('substr', ['sweep_id', val(1), val(beginning.length)]), '=', beginning)
    .orderBy('sweep_id')
    .execute()
  const ids = rows.map(({ sweep_id }) => sweep_id as string)
  return ids.includes(beginning) ? [beginning] : ids
}

/** The error for an id that no stored sweep has. */
export const unknownSweep = (id: string) =>
  badInput(
    `there is no sweep "${id}"; those that exist are shown by \`quail sweeps list\` and the window's page Sweeps`
  )

/** What a sweep is called now; undefined while none of its runs is stored. */
export async function findSweepName(store: Store, id: string): Promise<string | undefined> {
  const row = await store.selectFrom('runs').select('sweep_json').where('sweep_id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : parseMember(row.sweep_json).definition.name
}

/**
 * Gives a sweep another name, and its runs theirs: those that a person called otherwise keep what they are called. Runs that
 * were deleted are among them, since they can come back.
 *
 * @returns ids of the runs
 * @throws {AppError} BAD_INPUT when there is no such sweep
 */
export async function renameSweep(store: Store, id: string, name: string): Promise<string[]> {
  return inTransaction(store, async (trx) => {
    const runs = await trx
      .selectFrom('runs')
      .innerJoin('recipes', 'recipes.id', 'runs.recipe_id')
      .select(['runs.id', 'runs.name', 'recipes.name as recipeName', 'sweep_json'])
      .where('sweep_id', '=', id)
      .execute()
    if (runs.length === 0) throw unknownSweep(id)
    for (const run of runs) {
      const { index, definition } = parseMember(run.sweep_json)
      const renamed = { ...definition, name }
      const isOwn = (run.name ?? run.recipeName) !== memberName(definition, index)
      await trx
        .updateTable('runs')
        .set({
          sweep_json: JSON.stringify({ index, definition: renamed }),
          ...(!isOwn && { name: memberName(renamed, index) })
        })
        .where('id', '=', run.id)
        .execute()
    }
    return runs.map((run) => run.id)
  })
}

/** The sweep of a run, as its row tells of it. */
export const parseMember = (json: string | null): SweepMember => SweepMember.parse(JSON.parse(json as string))
