import { type RefObject, useEffect, useSyncExternalStore } from 'react'

/*
 * The title of the page that is shown, while its heading is scrolled out of sight: the page knows when, the header shows it.
 */

let title: string | undefined
const listeners = new Set<() => void>()

function set(next: string | undefined): void {
  title = next
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The title whose heading is not in sight; undefined where it is. */
export const useScrolledTitle = (): string | undefined => useSyncExternalStore(subscribe, () => title)

/** What is below the header, in pixels, is in sight. */
const HEADER = 52

/** Tells the header of a heading that leaves the sight above, and comes back. */
export function useTitleInHeader(heading: RefObject<HTMLElement | null>, text: string): void {
  useEffect(() => {
    if (heading.current === null) return
    const watch = ([entry]: IntersectionObserverEntry[]): void =>
      set(entry === undefined || entry.isIntersecting || entry.boundingClientRect.top > HEADER ? undefined : text)
    const observer = new IntersectionObserver(watch, { rootMargin: `-${HEADER}px 0px 0px 0px` })
    observer.observe(heading.current)
    return () => {
      observer.disconnect()
      set(undefined)
    }
  }, [heading, text])
}
