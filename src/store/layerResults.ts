import { sql } from 'kysely'
import type { LayerResult } from '../shared/runEvents'
import type { Store } from './schema'

/** The proof for one linear and one variant; `block` is null when only the run's outcome told of it. */
export interface StoredLayerResult {
  readonly variant: string
  readonly block: number | null
  readonly result: LayerResult
}

/** Keeps layer results, replacing what an earlier attempt at the same layers left. */
export async function saveLayerResults(
  store: Store,
  run: string,
  results: readonly StoredLayerResult[]
): Promise<void> {
  if (results.length === 0) return
  // The result travels as a string inside the JSON, so that its numbers keep their digits exactly.
  const rows = JSON.stringify(
    results.map(({ variant, block, result }) => [variant, result.name, block, JSON.stringify(result)])
  )
  // "where true" tells SQLite's parser that ON does not belong to a join.
  await sql`insert into layer_results (run_id, variant, layer, block, result_json)
    select ${run}, value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each(${rows}) where true
    on conflict (run_id, variant, layer) do update
    set block = coalesce(excluded.block, layer_results.block), result_json = excluded.result_json`.execute(store)
}

/** Layer results of a run in the order of the model, one variant after another within a layer. */
export async function readLayerResults(
  store: Store,
  run: string,
  filter: { variant?: string; layers?: readonly string[] } = {}
): Promise<StoredLayerResult[]> {
  let query = store
    .selectFrom('layer_results')
    .select(['variant', 'block', 'result_json'])
    .where('run_id', '=', run)
    .orderBy(sql`block is null, block, rowid`)
  if (filter.variant !== undefined) query = query.where('variant', '=', filter.variant)
  if (filter.layers !== undefined) {
    const layers = JSON.stringify(filter.layers)
    query = query.where('layer', 'in', sql<string>`(select value from json_each(${layers}))`)
  }
  const rows = await query.execute()
  return rows.map(({ variant, block, result_json }) => ({
    variant,
    block,
    result: JSON.parse(result_json) as LayerResult
  }))
}

/** As `readLayerResults`, without histograms and channels: lists of layers show neither, and they are most of the text. */
export async function readLayerFigures(store: Store, run: string): Promise<StoredLayerResult[]> {
  const rows = await store
    .selectFrom('layer_results')
    .select(['variant', 'block', sql<string>`json_remove(result_json, '$.errors', '$.channels')`.as('figures')])
    .where('run_id', '=', run)
    .orderBy(sql`block is null, block, rowid`)
    .execute()
  return rows.map(({ variant, block, figures }) => ({ variant, block, result: JSON.parse(figures) as LayerResult }))
}
