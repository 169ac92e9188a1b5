import { SweepMember } from '../shared/sweep'
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
  return rows.map((row) => ({ run: summaryOf(row), member: SweepMember.parse(JSON.parse(row.sweep_json as string)) }))
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
