import type { Migration } from './migration'

/**
 * A deletion can be undone for a while: its rows stay, out of sight, until it is made final. Runs get a name of their
 * own beside that of their recipe.
 */
export const deletions: Migration = {
  name: '0003-deletions',
  statements: [
    `create table deletions (
      id text primary key check (length(id) > 0),
      title text not null,
      at_ms real not null,
      final integer not null default 0 check (final in (0, 1))
    ) strict`,

    `alter table projects add column deletion text references deletions (id)`,
    `alter table calibration_sets add column deletion text references deletions (id)`,
    `alter table runs add column deletion text references deletions (id)`,
    `alter table runs add column name text`,

    `create index projects_deleted on projects (deletion) where deletion is not null`,
    `create index calibration_sets_deleted on calibration_sets (deletion) where deletion is not null`,
    `create index runs_deleted on runs (deletion) where deletion is not null`
  ]
}
