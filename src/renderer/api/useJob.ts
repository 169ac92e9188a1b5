import { useState } from 'react'
import type { RunProgress } from '../../shared/contract/runs'
import { useWindowEvent } from './hooks'

export interface Job {
  /** The last report of the run that is worked on; null between runs. */
  readonly progress: RunProgress | null
  readonly waiting: number
  readonly engine: 'ready' | 'restarting' | 'closing'
}

/** What the engine works on now, as the events tell. */
export function useJob(): Job {
  const [progress, setProgress] = useState<RunProgress | null>(null)
  const [waiting, setWaiting] = useState(0)
  const [engine, setEngine] = useState<Job['engine']>('ready')
  useWindowEvent('run.progress', (event) => setProgress(event.progress))
  useWindowEvent('run.finished', ({ id }) => setProgress((now) => (now?.run === id ? null : now)))
  useWindowEvent('queue.changed', (event) => {
    setWaiting(event.waiting)
    if (event.running === null) setProgress(null)
  })
  useWindowEvent('engine.state', ({ state }) => {
    // It is there again when it is ready, not when it begins to start.
    if (state !== 'starting') setEngine(state === 'restarting' || state === 'closing' ? state : 'ready')
    if (state === 'restarting') setProgress(null)
  })
  return { progress, waiting, engine }
}
