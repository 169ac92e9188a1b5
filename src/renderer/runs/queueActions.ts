import { call } from '../api/desktop'
import { notifyError } from '../components/notify'

async function attempt(failure: string, action: Promise<void>): Promise<boolean> {
  try {
    await action
    return true
  } catch (error) {
    notifyError(failure, error)
    return false
  }
}

/*
 * What a person can ask of the queue. What fails is said in a notification; each resolves with whether it was done.
 */

/** Puts interrupted, cancelled or failed runs back into the queue, in this order. */
export async function resumeRuns(ids: readonly string[]): Promise<void> {
  for (const id of ids) await attempt('The run was not resumed', call('queue.resume', { id }))
}

export const RESUME_ELSEWHERE = 'Resume with another folder for the adapters…'

/** Puts one back that writes its adapters to another folder, for which it asks; nothing is done without one. */
export async function resumeElsewhere(id: string): Promise<void> {
  await attempt('The run was not resumed', pickAndResume(id))
}

async function pickAndResume(id: string): Promise<void> {
  const [out] = await call('app.pick', { kind: 'folder' })
  if (out !== undefined) await call('queue.resume', { id, out })
}

/** Stops a run, or takes it out of the queue. */
export const cancelRun = (id: string): Promise<boolean> =>
  attempt('The run was not stopped', call('queue.cancel', { id }))

export const holdQueue = (held: boolean): Promise<boolean> =>
  attempt(held ? 'The queue was not paused' : 'The queue does not go on', call('queue.hold', { held }))

export const reorderQueue = (ids: string[]): Promise<boolean> =>
  attempt('The order was not changed', call('queue.reorder', { ids }))

/** Said where something waits in a queue that is held, beside the button of the next label. */
export const HELD = 'The queue is paused: nothing begins until it goes on.'
export const LET_GO_ON = 'Let the queue go on'

/** What holding the queue does: a run stops where its journal has an entry, which is not after blocks alone. */
export const pauseLabel = (running: boolean): string => (running ? 'Pause after this part' : 'Pause the queue')
