import { initial } from './0001-initial'
import { workbench } from './0002-workbench'
import { deletions } from './0003-deletions'
import { sweeps } from './0004-sweeps'
import { purposes } from './0005-purposes'
import type { Migration } from './migration'

/** Every step of the schema in order, from an empty file on; a step that was released is never changed. */
export const MIGRATIONS: readonly Migration[] = [initial, workbench, deletions, sweeps, purposes]
