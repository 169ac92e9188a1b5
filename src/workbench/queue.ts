import { join } from 'node:path'
import { getRun, listQueuedRuns } from '../services/runService'
import type { queueCalls } from '../shared/contract/queue'
import { adaptersDirectory } from '../store/home'
import type { WorkbenchContext } from './context'
import type { HandlersOf } from './handler'
import { runEntries, runEntry } from './runEntries'

/** The queue: what is worked on, what waits, and the person's wishes about both. */
export const queueHandlers = ({ services, queue }: WorkbenchContext): HandlersOf<typeof queueCalls> => ({
  async 'queue.state'() {
    const { running } = queue
    const waiting = await listQueuedRuns(services)
    return {
      running: running === null ? null : await runEntry(services.store, await getRun(services, running)),
      progress: queue.progress,
      waiting: await runEntries(
        services.store,
        waiting.filter(({ id }) => id !== running)
      ),
      held: queue.held
    }
  },
  async 'queue.enqueue'({ recipe, project, out }) {
    const chooseOut = (id: string): string => out ?? join(adaptersDirectory(services.home), id)
    return { id: await queue.enqueue(recipe, chooseOut, project) }
  },
  'queue.resume': ({ id, out }) => queue.requeue(id, out),
  'queue.cancel': ({ id }) => queue.cancel(id),
  'queue.hold': ({ held }) => queue.setHeld(held),
  'queue.reorder': ({ ids }) => queue.reorder(ids)
})
