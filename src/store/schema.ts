import type { Generated, Kysely } from 'kysely'
import type { Policy } from '../shared/recipe'

/*
 * The tables as the newest migration leaves them. Columns that end in _json hold JSON text; times are milliseconds
 * since 1970; ids are made by SQLite unless said otherwise.
 */

/** The deletion that a row is part of; null while it is in use. Rows of a deletion are read by deletions.ts alone. */
type Deleted = Generated<string | null>

export interface ProjectsTable {
  /** 'default', or a UUID. */
  id: string
  name: string
  created_at_ms: number
  archived_at_ms: number | null
  notes: Generated<string>
  deletion: Deleted
}

export interface ModelsTable {
  id: Generated<number>
  directory: string
  family: string | null
  parameters: number | null
  config_sha256: string | null
  last_used_at_ms: number
  /** When the person added the directory; null for one that only a run brought along. */
  added_at_ms: number | null
}

export interface CalibrationSetsTable {
  id: Generated<number>
  name: string
  policy: Policy
  hints_json: string
  source_name: string
  source_path: string
  source_sha256: string
  content_sha256: string
  imported_at_ms: number
  sample_count: number
  character_count: number
  deletion: Deleted
}

export interface CalibrationSamplesTable {
  set_id: number
  position: number
  text: string
}

export interface RecipesTable {
  id: Generated<number>
  sha256: string
  name: string | null
  recipe_json: string
  created_at_ms: number
}

/** `interrupted` is not stored: it is 'running' without a living process, which the caller finds out by the lock. */
export type StoredStatus = 'queued' | 'running' | 'cancelled' | 'failed' | 'completed'

export interface RunsTable {
  /** As in run.json. */
  id: string
  project_id: string
  model_id: number
  recipe_id: number
  status: StoredStatus
  attempt: number
  created_at_ms: number
  finished_at_ms: number | null
  quail_version: string
  out: string
  out_is_adapter: number
  calibration_json: string
  evaluation_json: string
  variants_json: string
  perplexity_json: string | null
  error_json: string | null
  notes: Generated<string>
  tags_json: Generated<string>
  /** Order in the queue, the smallest first; null unless the run is queued. */
  queue_position: number | null
  /** Given by the person; null: the recipe's. */
  name: Generated<string | null>
  deletion: Deleted
  /** The sweep that the run is part of. */
  sweep_id: Generated<string | null>
  sweep_json: Generated<string | null>
}

export interface RunEventsTable {
  run_id: string
  position: number
  attempt: number
  seq: number
  type: string
  event_json: string
}

export interface LayerResultsTable {
  run_id: string
  variant: string
  layer: string
  block: number | null
  result_json: string
}

export interface ArtifactsTable {
  run_id: string
  variant: string
  path: string
  bytes: number | null
  sha256: string | null
}

export interface GrantedPathsTable {
  path: string
  /** One of PURPOSES. */
  purpose: string
  granted_at_ms: number
}

export interface DeletionsTable {
  /** A UUID. */
  id: string
  /** What was deleted, as a person is told. */
  title: string
  at_ms: number
  /** 1 as soon as its rows and files begin to go: it cannot be undone any more. */
  final: Generated<number>
}

export interface SettingsTable {
  key: string
  value_json: string
}

export interface Schema {
  projects: ProjectsTable
  models: ModelsTable
  calibration_sets: CalibrationSetsTable
  calibration_samples: CalibrationSamplesTable
  recipes: RecipesTable
  runs: RunsTable
  run_events: RunEventsTable
  layer_results: LayerResultsTable
  artifacts: ArtifactsTable
  granted_paths: GrantedPathsTable
  deletions: DeletionsTable
  settings: SettingsTable
}

/** An open database, or a transaction on it. */
export type Store = Kysely<Schema>
