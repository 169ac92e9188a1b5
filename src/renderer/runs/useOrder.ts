import { useEffect, useState } from 'react'
import type { RunListEntry } from '../../shared/contract/runs'
import { reorderQueue } from './queueActions'

/** The waiting runs in the order that the person gave them, at once; stored meanwhile. */
export function useOrder(runs: readonly RunListEntry[]) {
  const [wished, setWished] = useState<readonly string[] | null>(null)
  const ordered = wished === null ? runs : inOrder(runs, wished)
  const isStored = ordered.every((run, index) => run.id === runs[index]?.id)
  useEffect(() => {
    if (isStored) setWished(null)
  }, [isStored])
  return {
    ordered,
    setOrder(ids: string[]): void {
      setWished(ids)
      void reorderQueue(ids).then((done) => done || setWished(null))
    }
  }
}

/** Runs that joined the queue meanwhile come last. */
function inOrder(runs: readonly RunListEntry[], ids: readonly string[]): RunListEntry[] {
  const places = new Map(ids.map((id, index) => [id, index]))
  const place = ({ id }: RunListEntry): number => places.get(id) ?? ids.length
  return [...runs].sort((a, b) => place(a) - place(b))
}
