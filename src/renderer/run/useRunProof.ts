import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef } from 'react'
import type { RunProgress } from '../../shared/contract/runs'
import { useCall, useWindowEvent } from '../api/hooks'

/** While blocks finish, the page asks again this often at most. */
const REFRESH_MS = 1000
const LONGEST_MS = 5000
/** What changed for good is shown at once; several words of it are one. */
const SOON_MS = 100

/** A run with its layers, fresh while it goes: results appear as blocks finish. */
export function useRunProof(id: string) {
  const run = useCall('proof.run', { id })
  const layers = useCall('proof.layers', { id })
  const refresh = useRefresh(id)
  const seen = useRef('')
  useWindowEvent('run.progress', ({ progress }) => {
    if (progress.run !== id) return
    const now = milestone(progress)
    if (now !== seen.current) refresh('later')
    seen.current = now
  })
  useWindowEvent('runs.changed', (event) => {
    // Of a run that works figures come all the time; of another somebody changed its name, tags or notes.
    if (event.id === id || event.id === null) refresh(run.data?.status === 'running' ? 'later' : 'soon')
  })
  // A run begins, waits or ends.
  useWindowEvent('queue.changed', () => refresh('soon'))
  useWindowEvent('run.finished', (event) => {
    if (event.id === id) refresh('soon')
  })
  return { run, layers }
}

/** Progress that changes what is stored, beside the bar. */
const milestone = ({ phase, blocksDone, layersDone, refining }: RunProgress): string =>
  `${phase} ${blocksDone} ${layersDone} ${refining?.variant} ${refining?.checks}`

/** Asks again, but while the run goes never so often that answering takes more than a tenth of the time. */
function useRefresh(id: string): (when: 'soon' | 'later') => void {
  const client = useQueryClient()
  const timer = useRef<{ readonly handle: ReturnType<typeof setTimeout>; readonly atMs: number }>(undefined)
  const pause = useRef(REFRESH_MS)
  useEffect(
    () => () => {
      if (timer.current === undefined) return
      clearTimeout(timer.current.handle)
      timer.current = undefined
      // Who comes back to the page asks again: the run may have been deleted from it.
      void client.invalidateQueries({ refetchType: 'none', predicate: ({ queryKey }) => isProofOf(queryKey, id) })
    },
    [client, id]
  )
  return useCallback(
    (when) => {
      const atMs = performance.now() + (when === 'soon' ? SOON_MS : pause.current)
      if (timer.current !== undefined && timer.current.atMs <= atMs) return
      clearTimeout(timer.current?.handle)
      const handle = setTimeout(async () => {
        timer.current = undefined
        const began = performance.now()
        await client.invalidateQueries({ predicate: ({ queryKey }) => isProofOf(queryKey, id) })
        pause.current = Math.min(LONGEST_MS, Math.max(REFRESH_MS, 9 * (performance.now() - began)))
      }, atMs - performance.now())
      timer.current = { handle, atMs }
    },
    [client, id]
  )
}

const isProofOf = ([name, input]: readonly unknown[], id: string): boolean =>
  String(name).startsWith('proof.') && (input as { id?: string } | undefined)?.id === id
