import { listExecuting } from '../services/runService'
import type { Services } from '../services/services'
import { readDataVersion } from '../store/database'
import type { WorkbenchContext } from './context'

/** How late the window sees what the command line did. */
const INTERVAL_MS = 2000

/**
 * Tells the window of what other processes change: the command line shares the database, and a process that dies leaves
 * its run interrupted without a word.
 *
 * @returns ends the watch, and resolves when it no longer uses the database
 */
export function watchOthers(services: Services, emit: WorkbenchContext['emit']): () => Promise<void> {
  let known: string | undefined
  async function look(): Promise<void> {
    const version = await readDataVersion(services.store)
    const found = [version, ...(await listExecuting(services))].join(' ')
    if (known !== undefined && found !== known) {
      emit({ type: 'runs.changed', id: null })
      emit({ type: 'sets.changed' })
    }
    known = found
  }

  // A database that cannot be read for a moment is looked at again; calls say what is wrong with it.
  const lookOrWait = (): Promise<void> => look().catch(() => undefined)
  // At once: a change in the first seconds is otherwise taken for what always was.
  let looking = lookOrWait()
  const timer = setInterval(() => {
    looking = looking.then(lookOrWait)
  }, INTERVAL_MS)
  return async () => {
    clearInterval(timer)
    await looking
  }
}
