import { durationText } from '../../shared/durationText'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A time that is only roughly known, no finer than it is: `25 s`, `3 min 20 s`, `24 min`, `2 h 05 min`. */
export function formatRough(ms: number): string {
  const step = ms < 10 * SECOND ? 1 : ms < MINUTE ? 5 : ms < 10 * MINUTE ? 10 : ms < HOUR ? 60 : 300
  const rounded = Math.max(1, Math.round(ms / SECOND / step)) * step * SECOND
  if (rounded < 10 * SECOND) return `${rounded / SECOND} s`
  return durationText(rounded).replace(/ min 00 s$/, ' min')
}

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/**
 * `just now`, `5 minutes ago`, `yesterday`, days by the calendar; a date when it is longer ago than a month, and of what the
 * clock, which was put back since, says to be still to come.
 */
export function formatRelative(atMs: number, nowMs: number = Date.now()): string {
  const ago = nowMs - atMs
  if (ago < -MINUTE) return new Date(atMs).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
  if (ago < MINUTE) return 'just now'
  if (ago < HOUR) return RELATIVE.format(-Math.floor(ago / MINUTE), 'minute')
  if (ago < DAY) return RELATIVE.format(-Math.floor(ago / HOUR), 'hour')
  if (ago < 30 * DAY) return RELATIVE.format(-Math.round((midnightBefore(nowMs) - midnightBefore(atMs)) / DAY), 'day')
  return new Date(atMs).toLocaleDateString('en-GB', { dateStyle: 'medium' })
}

/** When the day of a moment began: days are as long as the clock makes them, so that differences are rounded. */
const midnightBefore = (atMs: number): number => new Date(atMs).setHours(0, 0, 0, 0)

/** `23 Nov 2026, 15:40:12`. */
export const formatExact = (atMs: number): string =>
  new Date(atMs).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })
