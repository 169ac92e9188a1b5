import type { Selectable, Updateable } from 'kysely'
import { badInput } from '../shared/errors'
import { quantizerKey } from '../shared/quantizerWords'
import { type Recipe, variantNames } from '../shared/recipe'
import type { Perplexities, VariantResult } from '../shared/runEvents'
import type { ResolvedText, RunOutcome, RunRecord } from '../shared/runFolder'
import { inTransaction } from './database'
import { readLayerResults, saveLayerResults } from './layerResults'
import { type ModelFacts, rememberModel } from './models'
import { DEFAULT_PROJECT } from './projects'
import { nextQueuePosition } from './queuePosition'
import { parseStoredRecipe, saveRecipe } from './recipes'
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

/** Stores a new run as running, its first attempt, together with its recipe and its model. */
export async function insertRun(
  store: Store,
  record: RunRecord,
  { project = DEFAULT_PROJECT, model = {}, queued = false }: InsertOptions = {}
): Promise<void> {
  const { recipe, createdAtMs } = record
  await inTransaction(store, async (trx) => {
    const model_id = await rememberModel(trx, recipe.model, model, createdAtMs)
    const recipe_id = await saveRecipe(trx, recipe, createdAtMs)
    await trx
      .insertInto('runs')
      .values({
        project_id: project,
        model_id,
        recipe_id,
        ...columnsOf(record),
        ...(queued && { status: 'queued' as const, queue_position: await nextQueuePosition(trx) })
      })
      .execute()
  })
}

export interface InsertOptions {
  readonly project?: string
  readonly model?: ModelFacts
  /** The run waits at the end of the queue instead of running. */
  readonly queued?: boolean
}

/** Runs that wait, in the order in which they will be worked on. */
export async function listQueue(store: Store): Promise<RunSummary[]> {
  const rows = await selectRuns(store).where('runs.status', '=', 'queued').orderBy('runs.queue_position').execute()
  return rows.map(summaryOf)
}

export const setRunNotes = (store: Store, id: string, notes: string): Promise<void> => updateRun(store, id, { notes })

export const setRunTags = (store: Store, id: string, tags: readonly string[]): Promise<void> =>
  updateRun(store, id, { tags_json: JSON.stringify([...new Set(tags)]) })

/** Gives a run a name of its own; an empty one gives it that of its recipe back. */
export const setRunName = (store: Store, id: string, name: string): Promise<void> =>
  updateRun(store, id, { name: name.trim() === '' ? null : name.trim() })

/** Moves a run to another project. */
export const setRunProject = (store: Store, id: string, project: string): Promise<void> =>
  updateRun(store, id, { project_id: project })

/** Changes columns of a run; throws as `getRun`. */
export async function updateRun(store: Store, id: string, change: Updateable<RunsTable>): Promise<void> {
  const { numUpdatedRows } = await store
    .updateTable('runs')
    .set(change)
    .where('id', '=', id)
    .where('deletion', 'is', null)
    .executeTakeFirstOrThrow()
  if (numUpdatedRows === 0n) throw unknownRun(id)
}

const columnsOf = (record: RunRecord) => ({
  id: record.id,
  status: 'running' as const,
  attempt: 1,
  created_at_ms: record.createdAtMs,
  finished_at_ms: null,
  quail_version: record.quailVersion,
  out: record.out,
  out_is_adapter: Number(record.outIsAdapter),
  calibration_json: JSON.stringify(record.calibration),
  evaluation_json: JSON.stringify(record.evaluation),
  variants_json: JSON.stringify(plannedVariants(record.recipe)),
  perplexity_json: null,
  error_json: null
})

function plannedVariants({ variants }: Recipe): VariantSummary[] {
  const names = variantNames(variants)
  return variants.map(({ method, rank, quantizer }, index) => ({
    name: names[index]!,
    method,
    rank,
    quantizer: quantizerKey(quantizer),
    adapter: null
  }))
}

/**
 * Marks a run as running again and returns the number of the attempt; call it before the events of a resumed run.
 * @throws AppError BAD_INPUT when there is no such run
 */
export async function resumeRun(store: Store, id: string): Promise<number> {
  const row = await store
    .updateTable('runs')
    .set(({ eb }) => ({
      status: 'running',
      attempt: eb('attempt', '+', 1),
      finished_at_ms: null,
      error_json: null,
      queue_position: null
    }))
    .where('id', '=', id)
    .returning('attempt')
    .executeTakeFirst()
  if (row === undefined) throw unknownRun(id)
  return row.attempt
}

/**
 * Stores how a run ended, with the layers of every variant.
 * @throws AppError BAD_INPUT when there is no such run
 */
export async function finishRun(store: Store, id: string, outcome: RunOutcome): Promise<void> {
  await inTransaction(store, async (trx) => {
    const { variants } = await getRun(trx, id)
    const adapters = new Map(outcome.variants.map(({ name, adapter }) => [name, adapter]))
    await trx
      .updateTable('runs')
      .set({
        status: outcome.status,
        finished_at_ms: outcome.finishedAtMs,
        variants_json: JSON.stringify(variants.map((v) => ({ ...v, adapter: adapters.get(v.name) ?? v.adapter }))),
        perplexity_json: JSON.stringify(outcome.perplexity),
        error_json: outcome.error === undefined ? null : JSON.stringify(outcome.error),
        queue_position: null
      })
      .where('id', '=', id)
      .execute()
    const layers = outcome.variants.flatMap(({ name, layers }) =>
      layers.map((result) => ({ variant: name, block: null, result }))
    )
    await saveLayerResults(trx, id, layers)
  })
}

/** One run; throws AppError BAD_INPUT when there is none of this id. */
export async function getRun(store: Store, id: string): Promise<StoredRun> {
  const row = await selectRuns(store)
    .select([
      'recipe_json',
      'runs.quail_version',
      'runs.out_is_adapter',
      'runs.calibration_json',
      'runs.evaluation_json'
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
    evaluation: JSON.parse(row.evaluation_json) as ResolvedText[]
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

/** Removes a run with its events, layers and artifacts from the database; throws as `getRun`. Its files stay. */
export async function deleteRun(store: Store, id: string): Promise<void> {
  const { numDeletedRows } = await store.deleteFrom('runs').where('id', '=', id).executeTakeFirstOrThrow()
  if (numDeletedRows === 0n) throw unknownRun(id)
}

/** The error for an id that no stored run has. */
export const unknownRun = (id: string) =>
  badInput(`there is no run "${id}"; \`quail runs list\` shows those that exist`)

const selectRuns = (store: Store) =>
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
  'model_id' | 'recipe_id' | 'quail_version' | 'out_is_adapter' | 'calibration_json' | 'evaluation_json' | 'deletion'
> & { name: string | null; directory: string }

const summaryOf = (row: SummaryRow): RunSummary => ({
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
