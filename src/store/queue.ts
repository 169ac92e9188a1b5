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

/** Marks a queued run as running, its first attempt if it never ran; throws as `getRun`. */
export async function dequeueRun(store: Store, id: string): Promise<void> {
  await updateRun(store, id, { status: 'running', queue_position: null })
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
