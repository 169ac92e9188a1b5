import type { Migration } from './migration'

/** A run may be part of a sweep, whose definition every run of it carries. */
export const sweeps: Migration = {
  name: '0004-sweeps',
  statements: [
    `alter table runs add column sweep_id text`,
    `alter table runs add column sweep_json text check (json_valid(sweep_json))`,
    `create index runs_of_sweep on runs (sweep_id) where sweep_id is not null`
  ]
}
