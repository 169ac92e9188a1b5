import type { Virtualizer } from '@tanstack/react-virtual'
import { type RefObject, useState } from 'react'

interface RowFocus {
  /** The row that Tab reaches. */
  readonly active: number
  readonly setActive: (index: number) => void
  /** Moves to a row, or to the first or last where there is none of this number. */
  readonly focusRow: (index: number) => void
  /** Rows that a page key moves by. */
  readonly page: () => number
}

/** Keyboard focus among rows of which only those in sight are in the document. */
export function useRowFocus(
  viewport: RefObject<HTMLDivElement | null>,
  virtual: Virtualizer<HTMLDivElement, Element>,
  count: number,
  rowHeight: number
): RowFocus {
  const [active, setActive] = useState(0)
  return {
    active: Math.min(active, Math.max(0, count - 1)),
    setActive,
    focusRow(index) {
      const target = Math.max(0, Math.min(count - 1, index))
      setActive(target)
      virtual.scrollToIndex(target)
      const row = () => viewport.current?.querySelector<HTMLElement>(`[data-index="${target}"]`)
      // A row out of sight is in the document only after the next frame; the others must not lose a quick key.
      if (row()) row()?.focus()
      else requestAnimationFrame(() => row()?.focus())
    },
    page: () => Math.max(1, Math.floor((viewport.current?.clientHeight ?? 400) / rowHeight) - 2)
  }
}
