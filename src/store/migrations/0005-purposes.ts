import type { Migration } from './migration'

/**
 * A grant is for one purpose. What was granted before was granted for everything, also by being named in a recipe; so it is
 * forgotten, and the person is asked once more.
 */
export const purposes: Migration = {
  name: '0005-purposes',
  statements: [
    `drop table granted_paths`,
    `create table granted_paths (
      path text not null check (length(path) > 0),
      purpose text not null check (length(purpose) > 0),
      granted_at_ms real not null,
      primary key (path, purpose)
    ) strict`
  ]
}
