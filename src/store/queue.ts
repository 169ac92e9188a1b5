import { inTransaction } from './database'
import { nextQueuePosition } from './queuePosition'
import { updateRun } from './runs'
import type { Store } from './schema'

/*
 * Runs that wait. The queue is a column of the runs, so that every process sees the same one.
 */

/** Puts a run that is not worked on (back) at the end of the queue; throws as `getRun`. */
export async function queueRun(store: Store, id: string): Promise<void> {
  await inTransaction(store, async (trx) => {
    const queue_position = await nextQueuePosition(trx)
    await updateRun(trx, id, { status: 'queued', queue_position, finished_at_ms: null, error_json: null })
  })
}

/**
 * Marks a queued run as running; a run that was begun before is at its next attempt. One statement: of two processes that
 * want the same run, one gets it.
 *
 * @returns false when the run is not queued (any more)
 */
export async function takeQueuedRun(store: Store, id: string): Promise<boolean> {
  const { numUpdatedRows } = await store
    .updateTable('runs')
    .set(({ eb, exists, selectFrom }) => ({
      status: 'running',
      queue_position: null,
      attempt: eb(
        'attempt',
        '+',
        eb.cast<number>(exists(selectFrom('run_events').select('run_id').whereRef('run_id', '=', 'runs.id')), 'integer')
      )
    }))
    .where('id', '=', id)
    .where('status', '=', 'queued')
    .where('deletion', 'is', null)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** Takes a run out of the queue before it ran: it counts as cancelled. */
export async function unqueueRun(store: Store, id: string, atMs: number = Date.now()): Promise<void> {
  await updateRun(store, id, { status: 'cancelled', queue_position: null, finished_at_ms: atMs })
}

/** Gives queued runs these places, the first id the first. */
export async function orderQueue(store: Store, ids: readonly string[]): Promise<void> {
  await inTransaction(store, async (trx) => {
    for (const [index, id] of ids.entries()) await updateRun(trx, id, { queue_position: index + 1 })
  })
}
