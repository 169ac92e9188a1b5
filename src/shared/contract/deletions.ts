import { z } from 'zod'
import { call } from './call'

/** A deletion that can still be undone. */
export interface DeletionEntry {
  readonly id: string
  /** What was deleted: `3 runs`. */
  readonly title: string
  readonly atMs: number
}

/** The answer of every call that deletes. */
export interface Deleted {
  /** For `deletions.undo`. */
  readonly deletion: string
}

export const deletionCalls = {
  /** The newest first; after ten minutes a deletion is final. */
  'deletions.list': call<DeletionEntry[]>()(z.strictObject({})),
  'deletions.undo': call<DeletionEntry>()(z.strictObject({ id: z.uuid() }))
} as const
