import type { Selectable } from 'kysely'
import { badInput } from '../shared/errors'
import type { Perplexities, VariantResult } from '../shared/runEvents'
import type { ResolvedText, RunOutcome, RunRecord } from '../shared/runFolder'
import type { SweepMember } from '../shared/sweep'
import { readLayerResults } from './layerResults'
import { parseStoredRecipe } from './recipes'
import type { RunsTable, Store, StoredStatus } from './schema'

/** One variant of a run without its layers; `adapter` is null until it is exported. */
export interface VariantSummary extends Omit<VariantResult, 'layers' | 'adapter'> {
  readonly adapter: string | null
}

/** A line of the list of runs. A 'running' one whose process died is for the caller to tell, by the run's lock. */
export interface RunSummary {
  readonly id: string
  readonly project: string
  /** Its own, or the recipe's. */
  readonly name: string | null
  readonly status: StoredStatus
  /** 1, and one more each time the run is resumed. */
  readonly attempt: number
  readonly createdAtMs: number
  readonly finishedAtMs: number | null
  readonly model: string
  readonly out: string
  readonly variants: readonly VariantSummary[]
  readonly perplexity: Readonly<Record<string, Perplexities>>
  readonly error: RunOutcome['error'] | null
  readonly notes: string
  readonly tags: readonly string[]
  /** Order in the queue, the smallest first; null unless the run is queued. */
  readonly queuePosition: number | null
}

export interface StoredRun extends RunSummary {
  readonly record: RunRecord
}

/** Runs that wait, in the order in which they will be worked on. */
export async function listQueue(store: Store): Promise<RunSummary[]> {
  const rows = await selectRuns(store).where('runs.status', '=', 'queued').orderBy('runs.queue_position').execute()
  return rows.map(summaryOf)
}

/** One run; throws AppError BAD_INPUT when there is none of this id. */
export async function getRun(store: Store, id: string): Promise<StoredRun> {
  const row = await selectRuns(store)
    .select([
      'recipe_json',
      'runs.quail_version',
      'runs.out_is_adapter',
      'runs.calibration_json',
      'runs.evaluation_json',
      'runs.sweep_json'
    ])
    .where('runs.id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw unknownRun(id)
  const record: RunRecord = {
    version: 1,
    id,
    createdAtMs: row.created_at_ms,
    quailVersion: row.quail_version,
    recipe: parseStoredRecipe(row.recipe_json),
    out: row.out,
    outIsAdapter: row.out_is_adapter === 1,
    calibration: JSON.parse(row.calibration_json) as ResolvedText[],
    evaluation: JSON.parse(row.evaluation_json) as ResolvedText[],
    ...(row.sweep_json !== null && { sweep: JSON.parse(row.sweep_json) as SweepMember })
  }
  return { ...summaryOf(row), record }
}

/** The id itself when a run has it, else the ids that begin with it; none for an empty one. */
export async function findRunIds(store: Store, beginning: string): Promise<string[]> {
  if (beginning === '') return []
  const ids = store.selectFrom('runs').select('id').where('deletion', 'is', null)
  const exact = await ids.where('id', '=', beginning).executeTakeFirst()
  if (exact !== undefined) return [exact.id]
  const rows = await ids
    .where(({ fn, val }) => fn<string>('substr', ['id', val(1), val(beginning.length)]), '=', beginning)
    .orderBy('id')
    .execute()
  return rows.map(({ id }) => id)
}

/** Ids of the runs that are stored as running, whether their process lives or not. */
export async function listRunning(store: Store): Promise<string[]> {
  const rows = await store
    .selectFrom('runs')
    .select('id')
    .where('status', '=', 'running')
    .where('deletion', 'is', null)
    .orderBy('id')
    .execute()
  return rows.map(({ id }) => id)
}

export interface RunsFilter {
  readonly project?: string
  readonly limit?: number
  /** The last run of the page before. */
  readonly before?: RunSummary
}

/** Runs, the newest first. */
export async function listRuns(store: Store, filter: RunsFilter = {}): Promise<RunSummary[]> {
  return (await runsPage(store, filter).execute()).map(summaryOf)
}

/** The query behind `listRuns`; exported for the test that looks at its plan. */
export function runsPage(store: Store, { project, limit, before }: RunsFilter) {
  let query = selectRuns(store).orderBy('runs.created_at_ms', 'desc').orderBy('runs.id', 'desc')
  if (project !== undefined) query = query.where('project_id', '=', project)
  if (limit !== undefined) query = query.limit(limit)
  if (before === undefined) return query
  return query.where(({ eb, refTuple, tuple }) =>
    eb(refTuple('runs.created_at_ms', 'runs.id'), '<', tuple(before.createdAtMs, before.id))
  )
}

/** The variants of a run that have an adapter, with their layers, as the run's `finished` event tells of them. */
export async function readVariantResults(store: Store, id: string): Promise<VariantResult[]> {
  const { variants } = await getRun(store, id)
  const stored = await readLayerResults(store, id)
  return variants.flatMap(({ adapter, ...variant }) =>
    adapter === null
      ? []
      : [{ ...variant, adapter, layers: stored.filter((r) => r.variant === variant.name).map((r) => r.result) }]
  )
}

/** The error for an id that no stored run has. */
export const unknownRun = (id: string) =>
  badInput(`there is no run "${id}"; those that exist are shown by \`quail runs list\` and the window's page Runs`)

/** The query of every list of runs. */
export const selectRuns = (store: Store) =>
  store
    .selectFrom('runs')
    .innerJoin('models', 'models.id', 'runs.model_id')
    .innerJoin('recipes', 'recipes.id', 'runs.recipe_id')
    .where('runs.deletion', 'is', null)
    .select(({ fn }) => fn.coalesce('runs.name', 'recipes.name').as('name'))
    .select([
      'runs.id',
      'runs.project_id',
      'runs.status',
      'runs.attempt',
      'runs.created_at_ms',
      'runs.finished_at_ms',
      'models.directory',
      'runs.out',
      'runs.variants_json',
      'runs.perplexity_json',
      'runs.error_json',
      'runs.notes',
      'runs.tags_json',
      'runs.queue_position'
    ])

type SummaryRow = Omit<
  Selectable<RunsTable>,
  | 'model_id'
  | 'recipe_id'
  | 'quail_version'
  | 'out_is_adapter'
  | 'calibration_json'
  | 'evaluation_json'
  | 'deletion'
  | 'sweep_id'
  | 'sweep_json'
> & { name: string | null; directory: string }

export const summaryOf = (row: SummaryRow): RunSummary => ({
  id: row.id,
  project: row.project_id,
  name: row.name,
  status: row.status,
  attempt: row.attempt,
  createdAtMs: row.created_at_ms,
  finishedAtMs: row.finished_at_ms,
  model: row.directory,
  out: row.out,
  variants: JSON.parse(row.variants_json) as VariantSummary[],
  perplexity: row.perplexity_json === null ? {} : (JSON.parse(row.perplexity_json) as Record<string, Perplexities>),
  error: row.error_json === null ? null : (JSON.parse(row.error_json) as RunOutcome['error']),
  notes: row.notes,
  tags: JSON.parse(row.tags_json) as string[],
  queuePosition: row.queue_position
})
