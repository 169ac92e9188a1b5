import { type PointerEvent, useState } from 'react'
import type { PlotBox } from './Axes'

/** Pixels that a drag takes at least: less is a click. */
const LEAST_DRAG = 6

export interface Drag {
  readonly from: number
  readonly to: number
}

/** Pointing at a place, and dragging over a range. */
export function useDrag(
  box: PlotBox,
  onLook: (offset: number) => void,
  onRange: (from: number, to: number) => void,
  onLeave: (event: PointerEvent) => void
) {
  const [drag, setDrag] = useState<Drag>()
  const place = (event: PointerEvent): number =>
    Math.max(box.left, Math.min(box.right, event.clientX - event.currentTarget.getBoundingClientRect().left))
  const handlers = {
    onPointerMove(event: PointerEvent): void {
      const to = place(event)
      onLook(to)
      if (drag !== undefined) setDrag({ ...drag, to })
    },
    onPointerLeave(event: PointerEvent): void {
      onLeave(event)
      setDrag(undefined)
    },
    onPointerDown: (event: PointerEvent): void => setDrag({ from: place(event), to: place(event) }),
    onPointerUp(): void {
      if (drag !== undefined && Math.abs(drag.to - drag.from) > LEAST_DRAG) onRange(drag.from, drag.to)
      setDrag(undefined)
    }
  }
  return { drag, handlers }
}
