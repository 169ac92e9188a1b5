import type { RunEvent } from '../shared/runEvents'
import { appendEvents } from '../store/runEvents'
import type { Store } from '../store/schema'

export interface EventRecorder {
  /** Takes the next event. */
  readonly accept: (event: RunEvent) => void
  /** Waits until every event is stored and handed on; throws what kept one from being stored. */
  readonly drain: () => Promise<void>
}

/** Progress within a phase is stored this often at most; every other event always. */
const PROGRESS_INTERVAL_MS = 1000

/**
 * Stores a run's events first and hands them on second, in order. What arrives while the database writes is stored
 * together, so that a slow disk does not fall behind.
 *
 * @param onFailure - called once when an event cannot be stored: the run should stop
 */
export function recordEvents(
  store: Store,
  run: string,
  onEvent: (event: RunEvent) => void = () => {},
  onFailure: () => void = () => {}
): EventRecorder {
  let waiting: RunEvent[] = []
  let writing = Promise.resolve()
  let failure: { readonly error: unknown } | undefined
  const isKept = throttle()

  async function write(): Promise<void> {
    const events = waiting
    waiting = []
    try {
      if (failure === undefined) await appendEvents(store, run, events.filter(isKept))
    } catch (error) {
      failure = { error }
      onFailure()
    }
    for (const event of events) onEvent(event)
  }

  return {
    accept(event) {
      waiting.push(event)
      // The first event of a batch asks for the write; those that arrive before it begins go along.
      if (waiting.length === 1) writing = writing.then(write)
    },
    async drain() {
      await writing
      if (failure !== undefined) throw failure.error
    }
  }
}

function throttle(): (event: RunEvent) => boolean {
  let lastMs = Number.NEGATIVE_INFINITY
  return (event) => {
    if (event.type !== 'phaseProgress') return true
    if (event.atMs - lastMs < PROGRESS_INTERVAL_MS) return false
    lastMs = event.atMs
    return true
  }
}
