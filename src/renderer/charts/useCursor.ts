import { type KeyboardEvent, type PointerEvent, useState } from 'react'

export interface Cursor {
  /** The place that is looked at; undefined while nobody points anywhere. */
  readonly index: number | undefined
  readonly set: (index: number | undefined) => void
  readonly onKeyDown: (event: KeyboardEvent) => void
  readonly onPointerLeave: (event: PointerEvent) => void
}

/** A place among `count` that pointer and arrow keys move: the crosshair of a chart. */
export function useCursor(count: number, initial = 0): Cursor {
  const [chosen, setIndex] = useState<number>()
  const index = chosen === undefined ? undefined : Math.min(chosen, count - 1)

  function onKeyDown(event: KeyboardEvent): void {
    const from = index ?? initial
    const moves: Record<string, number> = {
      ArrowLeft: index === undefined ? from : from - 1,
      ArrowRight: index === undefined ? from : from + 1,
      Home: 0,
      End: count - 1
    }
    const to = moves[event.key]
    if (to === undefined) return
    // The page must not take the key too: the drawer around a chart moves between layers with it.
    event.stopPropagation()
    event.preventDefault()
    setIndex(Math.max(0, Math.min(count - 1, to)))
  }

  return { index, set: setIndex, onKeyDown, onPointerLeave: () => setIndex(undefined) }
}
