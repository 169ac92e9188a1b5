import { sql } from 'kysely'
import type { VariantTotals } from '../shared/compare/comparedRun'
import type { Recipe } from '../shared/recipe'
import type { ResolvedText } from '../shared/runFolder'
import { parseStoredRecipe } from './recipes'
import type { Store } from './schema'

/*
 * What comparisons of many runs need, without reading the layers of each: sums are made inside SQLite, off this thread
 * (a thousand runs of 84 layers take about a second), and nothing but the sums comes back.
 */

/** The part of a run that its line in the list lacks. */
export interface RunSettings {
  readonly recipe: Recipe
  readonly quailVersion: string
  readonly calibration: readonly ResolvedText[]
  readonly evaluation: readonly ResolvedText[]
}

const idList = (ids: readonly string[]) => sql<string>`(select value from json_each(${JSON.stringify(ids)}))`

/** Recipes and texts of these runs, by run; those that there are not are left out. */
export async function readRunSettings(store: Store, ids: readonly string[]): Promise<Map<string, RunSettings>> {
  const rows = await store
    .selectFrom('runs')
    .innerJoin('recipes', 'recipes.id', 'runs.recipe_id')
    .select(['runs.id', 'recipe_json', 'quail_version', 'calibration_json', 'evaluation_json'])
    .where('runs.id', 'in', idList(ids))
    .where('runs.deletion', 'is', null)
    .execute()
  return new Map(
    rows.map((row) => [
      row.id,
      {
        recipe: parseStoredRecipe(row.recipe_json),
        quailVersion: row.quail_version,
        calibration: JSON.parse(row.calibration_json) as ResolvedText[],
        evaluation: JSON.parse(row.evaluation_json) as ResolvedText[]
      }
    ])
  )
}

export interface StoredTotals extends VariantTotals {
  readonly run: string
  readonly variant: string
}

/** Sums over the layers of every variant of these runs. */
export async function readVariantTotals(store: Store, ids: readonly string[]): Promise<StoredTotals[]> {
  const { rows } = await sql<StoredTotals>`
  select run_id as run, variant, count(*) as layers,
    sum(json_extract(result_json, '$.loss')) as loss,
    sum(json_extract(result_json, '$.lossRank0')) as "lossRank0",
    avg(case when json_extract(result_json, '$.lossRank0') > 0
      then 1 - json_extract(result_json, '$.loss') / json_extract(result_json, '$.lossRank0') end) as "meanRemoved",
    sum(json_extract(result_json, '$.shape[0]') + json_extract(result_json, '$.shape[1]')) as width
  from layer_results where run_id in ${idList(ids)} group by run_id, variant`.execute(store)
  return rows
}

/** Milliseconds from the first to the last event of each attempt, summed, by run; runs without events are left out. */
export async function readWorkedMs(store: Store, ids: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await sql<{ run: string; ms: number }>`
    with recursive attempts (run, attempt, count) as (
      select id, 1, attempt from runs where id in ${idList(ids)}
      union all
      select run, attempt + 1, count from attempts where attempt < count
    ), ends as (
      select run,
        (select event_json ->> '$.atMs' from run_events e
          where e.run_id = run and e.attempt = attempts.attempt order by seq limit 1) as first,
        (select event_json ->> '$.atMs' from run_events e
          where e.run_id = run and e.attempt = attempts.attempt order by seq desc limit 1) as last
      from attempts
    )
    select run, sum(last - first) as ms from ends where first is not null group by run`.execute(store)
  return new Map(rows.map(({ run, ms }) => [run, ms]))
}

/** The linears that any of these runs has results of, in the order of the model. */
export async function listLayers(store: Store, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ layer: string }>`
    select layer from layer_results where run_id in ${idList(ids)}
    group by layer order by min(block) is null, min(block), min(rowid)`.execute(store)
  return rows.map(({ layer }) => layer)
}

/** Loss and eigenvalues of one variant, of one linear or summed over all. */
export interface StoredCurve {
  readonly variant: string
  readonly loss: number
  readonly lossRank0: number
  readonly eigenvalues: readonly number[]
}

/** Curves of a run's variants: on one linear, or (null) added up eigenvalue by eigenvalue over all linears. */
export async function readCurves(store: Store, run: string, layer: string | null): Promise<StoredCurve[]> {
  const only = layer === null ? sql`` : sql`and layer = ${layer}`
  const { rows } = await sql<{ variant: string; loss: number; lossRank0: number; eigenvalues: string }>`
    select variant, sum(json_extract(result_json, '$.loss')) as loss,
      sum(json_extract(result_json, '$.lossRank0')) as "lossRank0",
      (select json_group_array(total order by place) from (
        select e.key as place, sum(e.value) as total
        from layer_results own, json_each(own.result_json, '$.eigenvalues') e
        where own.run_id = layer_results.run_id and own.variant = layer_results.variant ${only}
        group by e.key)) as eigenvalues
    from layer_results where run_id = ${run} ${only} group by variant`.execute(store)
  return rows.map((row) => ({ ...row, eigenvalues: JSON.parse(row.eigenvalues) as number[] }))
}
