import type { Migration } from './migration'

/**
 * What the window keeps: archived projects, notes and tags, the queue, models that were added by hand, the paths that
 * the person gave, settings.
 *
 * `runs` is made anew because a check cannot be changed: a run may now be queued. Its rows keep their rowids, and the
 * tables that refer to it do so by name.
 */
export const workbench: Migration = {
  name: '0002-workbench',
  statements: [
    `alter table projects add column archived_at_ms real`,
    `alter table projects add column notes text not null default ''`,
    `alter table models add column added_at_ms real`,

    `create table new_runs (
      id text primary key check (length(id) > 0),
      project_id text not null references projects (id) on delete cascade,
      model_id integer not null references models (id),
      recipe_id integer not null references recipes (id),
      status text not null check (status in ('queued', 'running', 'cancelled', 'failed', 'completed')),
      attempt integer not null check (attempt >= 1),
      created_at_ms real not null,
      finished_at_ms real,
      quail_version text not null,
      out text not null,
      out_is_adapter integer not null check (out_is_adapter in (0, 1)),
      calibration_json text not null check (json_valid(calibration_json)),
      evaluation_json text not null check (json_valid(evaluation_json)),
      variants_json text not null check (json_valid(variants_json)),
      perplexity_json text check (json_valid(perplexity_json)),
      error_json text check (json_valid(error_json)),
      notes text not null default '',
      tags_json text not null default '[]' check (json_valid(tags_json)),
      queue_position real,
      check ((status in ('queued', 'running')) = (finished_at_ms is null)),
      check ((status = 'queued') = (queue_position is not null))
    ) strict`,

    `insert into new_runs (id, project_id, model_id, recipe_id, status, attempt, created_at_ms, finished_at_ms,
      quail_version, out, out_is_adapter, calibration_json, evaluation_json, variants_json, perplexity_json, error_json)
    select id, project_id, model_id, recipe_id, status, attempt, created_at_ms, finished_at_ms,
      quail_version, out, out_is_adapter, calibration_json, evaluation_json, variants_json, perplexity_json, error_json
    from runs order by rowid`,

    `drop table runs`,
    `alter table new_runs rename to runs`,

    `create index runs_newest on runs (created_at_ms desc, id desc)`,
    `create index runs_of_project on runs (project_id, created_at_ms desc, id desc)`,
    `create index runs_of_model on runs (model_id)`,
    `create index runs_of_recipe on runs (recipe_id)`,
    `create index runs_queued on runs (queue_position) where status = 'queued'`,

    `create table granted_paths (
      path text primary key check (length(path) > 0),
      granted_at_ms real not null
    ) strict`,

    `create table settings (
      key text primary key check (length(key) > 0),
      value_json text not null check (json_valid(value_json))
    ) strict`
  ]
}
