import { useSyncExternalStore } from 'react'

/** How late what is told of a time may be. */
const STEP_MS = 30_000

const listeners = new Set<() => void>()
let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    now = Date.now()
    timer = setInterval(step, STEP_MS)
  }
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) clearInterval(timer)
  }
}

function step(): void {
  now = Date.now()
  for (const listener of listeners) listener()
}

/** The time, for what tells how long ago something was: one clock for all rows of a list. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => now)
