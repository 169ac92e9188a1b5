import type { OnProgress } from '../../shared/progress'

/** Progress is sent this often at most. */
const PROGRESS_INTERVAL_MS = 100

/** Work that tells nothing for a while, and that on another text, is told of at once; all else now and then. */
export function throttled(tell: OnProgress): OnProgress {
  let lastMs = Number.NEGATIVE_INFINITY
  let last: string | undefined
  return (done, total, text) => {
    const now = performance.now()
    const what = `${text?.name} ${total === null}`
    if (what === last && now - lastMs < PROGRESS_INTERVAL_MS) return
    lastMs = now
    last = what
    tell(done, total, text && { name: text.name, bytes: text.bytes })
  }
}
