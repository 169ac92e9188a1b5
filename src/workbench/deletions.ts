import { listDeletions, makeDeletionsFinal, undoDeletion } from '../services/deletions'
import type { deletionCalls } from '../shared/contract/deletions'
import type { WindowEvent } from '../shared/contract/events'
import type { WorkbenchContext } from './context'
import type { HandlersOf } from './handler'

/** Deletions that can be undone. */
export const deletionHandlers = ({ services, queue, emit }: WorkbenchContext): HandlersOf<typeof deletionCalls> => ({
  'deletions.list': () => listDeletions(services.store),
  async 'deletions.undo'({ id }) {
    const undone = await undoDeletion(services.store, id)
    for (const event of DELETED) emit(event)
    // A run that waited when it was deleted waits again.
    await queue.lookAgain()
    return undone
  }
})

/** What the window asks again after a deletion or its undoing: a project goes with its runs. */
export const DELETED: readonly WindowEvent[] = [
  { type: 'runs.changed', id: null },
  { type: 'sets.changed' },
  { type: 'projects.changed' },
  { type: 'deletions.changed' }
]

const INTERVAL_MS = 60_000

/**
 * Makes old deletions final, also those of a process that ended before it could.
 *
 * @returns ends that, and resolves when the database is not used any more
 */
export function finishDeletions({ services, emit }: Pick<WorkbenchContext, 'services' | 'emit'>): () => Promise<void> {
  async function finish(): Promise<void> {
    const before = (await listDeletions(services.store)).length
    await makeDeletionsFinal(services)
    if ((await listDeletions(services.store)).length !== before) emit({ type: 'deletions.changed' })
  }
  // A file that cannot be removed now is tried again later, and a deletion stays out of sight meanwhile.
  const finishOrWait = (): Promise<void> => finish().catch(() => undefined)
  let work = finishOrWait()
  const timer = setInterval(() => {
    work = work.then(finishOrWait)
  }, INTERVAL_MS)
  return async () => {
    clearInterval(timer)
    await work
  }
}
