import { useSyncExternalStore } from 'react'
import type { WindowEvent } from '../../shared/contract/events'
import type { RunProgress } from '../../shared/contract/runs'
import { onEvent } from './desktop'

export interface Job {
  /** The last report of the run that is worked on; null between runs. */
  readonly progress: RunProgress | null
  readonly waiting: number
  readonly engine: 'ready' | 'restarting' | 'closing'
}

/** What the engine works on now, as the events tell; who begins to look between two reports sees the last. */
export const useJob = (): Job => useSyncExternalStore(followJob, presentJob)

let job: Job = { progress: null, waiting: 0, engine: 'ready' }
const watchers = new Set<() => void>()
let listens = false

/** Calls the watcher after every change. Once somebody watches, events are heard as long as the window lives. */
export function followJob(watcher: () => void): () => void {
  if (!listens) onEvent(hear)
  listens = true
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

export const presentJob = (): Job => job

function hear(event: WindowEvent): void {
  const next = { ...job, ...changeOf(event, job) }
  if (next.progress === job.progress && next.waiting === job.waiting && next.engine === job.engine) return
  job = next
  for (const watcher of watchers) watcher()
}

function changeOf(event: WindowEvent, { progress }: Job): Partial<Job> {
  switch (event.type) {
    case 'run.progress':
      return { progress: event.progress }
    case 'run.finished':
      return progress?.run === event.id ? { progress: null } : {}
    case 'queue.changed':
      return { waiting: event.waiting, ...(event.running === null && { progress: null }) }
    case 'engine.state':
      // It is there again when it is ready, not when it begins to start.
      if (event.state === 'starting') return {}
      if (event.state === 'restarting') return { engine: 'restarting', progress: null }
      return { engine: event.state === 'closing' ? 'closing' : 'ready' }
    default:
      return {}
  }
}
