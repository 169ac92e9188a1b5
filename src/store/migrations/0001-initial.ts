import type { Migration } from './migration'

/** The first schema. Everything that belongs to a run goes with it; a model or a recipe in use cannot be removed. */
export const initial: Migration = {
  name: '0001-initial',
  statements: [
    `create table projects (
      id text primary key,
      name text not null unique check (length(name) > 0),
      created_at_ms real not null
    ) strict`,

    `insert into projects (id, name, created_at_ms) values ('default', 'Default', unixepoch('subsec') * 1000)`,

    `create table models (
      id integer primary key,
      directory text not null unique,
      family text,
      parameters integer check (parameters >= 0),
      config_sha256 text,
      last_used_at_ms real not null
    ) strict`,

    `create table calibration_sets (
      id integer primary key,
      name text not null unique check (length(name) > 0),
      policy text not null check (policy in ('packed', 'padded')),
      hints_json text not null check (json_valid(hints_json)),
      source_name text not null,
      source_path text not null,
      source_sha256 text not null,
      content_sha256 text not null,
      imported_at_ms real not null,
      sample_count integer not null check (sample_count > 0),
      character_count integer not null check (character_count >= 0)
    ) strict`,

    `create table calibration_samples (
      set_id integer not null references calibration_sets (id) on delete cascade,
      position integer not null check (position >= 0),
      text text not null,
      primary key (set_id, position)
    ) strict`,

    `create table recipes (
      id integer primary key,
      sha256 text not null unique check (length(sha256) = 64),
      name text,
      recipe_json text not null check (json_valid(recipe_json)),
      created_at_ms real not null
    ) strict`,

    `create table runs (
      id text primary key check (length(id) > 0),
      project_id text not null references projects (id) on delete cascade,
      model_id integer not null references models (id),
      recipe_id integer not null references recipes (id),
      status text not null check (status in ('running', 'cancelled', 'failed', 'completed')),
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
      check ((status = 'running') = (finished_at_ms is null))
    ) strict`,

    `create index runs_newest on runs (created_at_ms desc, id desc)`,
    `create index runs_of_project on runs (project_id, created_at_ms desc, id desc)`,
    `create index runs_of_model on runs (model_id)`,
    `create index runs_of_recipe on runs (recipe_id)`,

    `create table run_events (
      run_id text not null references runs (id) on delete cascade,
      position integer not null check (position >= 0),
      attempt integer not null check (attempt >= 1),
      seq integer not null check (seq >= 0),
      type text not null,
      event_json text not null check (json_valid(event_json)),
      primary key (run_id, position),
      unique (run_id, attempt, seq)
    ) strict`,

    `create table layer_results (
      run_id text not null references runs (id) on delete cascade,
      variant text not null,
      layer text not null,
      block integer,
      result_json text not null check (json_valid(result_json)),
      primary key (run_id, variant, layer)
    ) strict`,

    `create table artifacts (
      run_id text not null references runs (id) on delete cascade,
      variant text not null,
      path text not null,
      bytes integer check (bytes >= 0),
      sha256 text,
      primary key (run_id, variant)
    ) strict`
  ]
}
