import type { Updateable } from 'kysely'
import { quantizerKey } from '../shared/quantizerWords'
import { type Recipe, variantNames } from '../shared/recipe'
import type { RefinementResult } from '../shared/refinement'
import type { VariantResult } from '../shared/runEvents'
import type { RunOutcome, RunRecord } from '../shared/runFolder'
import { inTransaction } from './database'
import { saveLayerResults } from './layerResults'
import { type ModelFacts, rememberModel } from './models'
import { DEFAULT_PROJECT } from './projects'
import { nextQueuePosition } from './queuePosition'
import { saveRecipe } from './recipes'
import { getRun, unknownRun, type VariantSummary } from './runQueries'
import type { RunsTable, Store } from './schema'

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
  error_json: null,
  ...(record.sweep && { sweep_id: record.sweep.definition.id, sweep_json: JSON.stringify(record.sweep) })
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

/** Stores where the adapters of a run go from now on. */
export async function moveRun(store: Store, id: string, out: string): Promise<void> {
  await store.updateTable('runs').set({ out }).where('id', '=', id).execute()
}

/**
 * Stores how a run ended, with the layers of every variant.
 * @throws AppError BAD_INPUT when there is no such run
 */
export async function finishRun(store: Store, id: string, outcome: RunOutcome): Promise<void> {
  await inTransaction(store, async (trx) => {
    const { variants } = await getRun(trx, id)
    const results = new Map(outcome.variants.map((variant) => [variant.name, variant]))
    await trx
      .updateTable('runs')
      .set({
        status: outcome.status,
        finished_at_ms: outcome.finishedAtMs,
        variants_json: JSON.stringify(variants.map((v) => withResult(v, results.get(v.name)))),
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

function withResult(variant: VariantSummary, result: VariantResult | undefined): VariantSummary {
  if (result === undefined) return variant
  const { adapter, refinement, ranks, acceptance } = result
  const told = { ...(refinement && { refinement }), ...(ranks && { ranks }), ...(acceptance && { acceptance }) }
  return { ...variant, adapter, ...told }
}

/**
 * Stores how far the refinement of a variant is, replacing what was stored of it before.
 * @throws AppError BAD_INPUT when there is no such run
 */
export async function saveRefinement(
  store: Store,
  id: string,
  { variant, result }: { readonly variant: string; readonly result: RefinementResult }
): Promise<void> {
  const { variants } = await getRun(store, id)
  const changed = variants.map((one) => (one.name === variant ? { ...one, refinement: result } : one))
  await updateRun(store, id, { variants_json: JSON.stringify(changed) })
}

/** Removes a run with its events, layers and artifacts from the database; throws as `getRun`. Its files stay. */
export async function deleteRun(store: Store, id: string): Promise<void> {
  const { numDeletedRows } = await store.deleteFrom('runs').where('id', '=', id).executeTakeFirstOrThrow()
  if (numDeletedRows === 0n) throw unknownRun(id)
}
