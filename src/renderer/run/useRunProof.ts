import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef } from 'react'
import type { RunProgress } from '../../shared/contract/runs'
import { useCall, useWindowEvent } from '../api/hooks'

/** While blocks finish, the page asks again this often at most. */
const REFRESH_MS = 1000

/** A run with its layers, fresh while it goes: results appear as blocks finish. */
export function useRunProof(id: string) {
  const run = useCall('proof.run', { id })
  const layers = useCall('proof.layers', { id })
  const refresh = useThrottledRefresh(id)
  const seen = useRef('')
  useWindowEvent('run.progress', ({ progress }) => {
    if (progress.run !== id) return
    const now = milestone(progress)
    if (now !== seen.current) refresh()
    seen.current = now
  })
  useWindowEvent('runs.changed', (event) => {
    if (event.id === id || event.id === null) refresh()
  })
  useWindowEvent('run.finished', (event) => {
    if (event.id === id) refresh()
  })
  return { run, layers }
}

/** Progress that changes what is stored, beside the bar. */
const milestone = ({ phase, blocksDone, layersDone }: RunProgress): string => `${phase} ${blocksDone} ${layersDone}`

/** Asks again soon, but never so often that answering takes more than a tenth of the time. */
function useThrottledRefresh(id: string): () => void {
  const client = useQueryClient()
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const pause = useRef(REFRESH_MS)
  useEffect(() => () => clearTimeout(timer.current), [])
  return useCallback(() => {
    if (timer.current !== undefined) return
    timer.current = setTimeout(async () => {
      timer.current = undefined
      const began = performance.now()
      await client.invalidateQueries({
        predicate: ({ queryKey: [name, input] }) =>
          String(name).startsWith('proof.') && (input as { id?: string } | undefined)?.id === id
      })
      pause.current = Math.max(REFRESH_MS, 9 * (performance.now() - began))
    }, pause.current)
  }, [client, id])
}
