const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `42 s`, `3 min 20 s`, `2 h 05 min`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return '–'
  if (ms < 10 * SECOND) return `${(Math.max(0, ms) / SECOND).toFixed(1)} s`
  const seconds = Math.round(ms / SECOND)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

/** A time that is only roughly known, no finer than it is: `25 s`, `3 min 20 s`, `24 min`, `2 h 05 min`. */
export function formatRough(ms: number): string {
  const step = ms < 10 * SECOND ? 1 : ms < MINUTE ? 5 : ms < 10 * MINUTE ? 10 : ms < HOUR ? 60 : 300
  const rounded = Math.max(1, Math.round(ms / SECOND / step)) * step * SECOND
  if (rounded < 10 * SECOND) return `${rounded / SECOND} s`
  return formatDuration(rounded).replace(/ min 00 s$/, ' min')
}

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/** `just now`, `5 minutes ago`, `yesterday`; a date when it is longer ago than a month. */
export function formatRelative(atMs: number, nowMs: number = Date.now()): string {
  const ago = nowMs - atMs
  if (ago < MINUTE) return 'just now'
  if (ago < HOUR) return RELATIVE.format(-Math.floor(ago / MINUTE), 'minute')
  if (ago < DAY) return RELATIVE.format(-Math.floor(ago / HOUR), 'hour')
  if (ago < 30 * DAY) return RELATIVE.format(-Math.floor(ago / DAY), 'day')
  return new Date(atMs).toLocaleDateString('en', { year: 'numeric', month: 'short', day: 'numeric' })
}

/** `23 Nov 2026, 15:40:12`. */
export const formatExact = (atMs: number): string =>
  new Date(atMs).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })
