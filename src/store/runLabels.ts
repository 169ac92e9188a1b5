import type { RunLabels } from '../shared/runFolder'
import type { SweepMember } from '../shared/sweep'
import { unknownRun } from './runQueries'
import { updateRun } from './runs'
import type { Store } from './schema'
import { parseMember } from './sweeps'

/**
 * What people call a run and wrote beside it. One that was deleted is among them, since it can come back.
 * @throws AppError BAD_INPUT when there is no such run
 */
export async function getRunLabels(store: Store, id: string): Promise<RunLabels> {
  const columns = ['name', 'notes', 'tags_json', 'sweep_json'] as const
  const row = await store.selectFrom('runs').select(columns).where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw unknownRun(id)
  const { name, notes, tags_json, sweep_json } = row
  const sweep = sweep_json === null ? undefined : parseMember(sweep_json).definition.name
  return { version: 1, name, notes, tags: JSON.parse(tags_json) as string[], ...(sweep !== undefined && { sweep }) }
}

/**
 * Gives a run that was just stored these labels.
 * @throws AppError BAD_INPUT when there is no such run
 */
export async function setRunLabels(store: Store, id: string, { name, notes, tags, sweep }: RunLabels): Promise<void> {
  const row = await store.selectFrom('runs').select('sweep_json').where('id', '=', id).executeTakeFirst()
  const member = row?.sweep_json ? parseMember(row.sweep_json) : undefined
  await updateRun(store, id, {
    ...{ name, notes, tags_json: JSON.stringify(tags) },
    ...(member !== undefined && sweep !== undefined && { sweep_json: JSON.stringify(renamed(member, sweep)) })
  })
}

const renamed = ({ index, definition }: SweepMember, name: string): SweepMember => ({
  index,
  definition: { ...definition, name }
})
