import { figureText } from '../../shared/figureText'

/** A figure, or a dash where there is none. */
export const figure = (value: number | undefined): string => (value === undefined ? '–' : figureText(value))

/** `63.7 %`. */
export const percent = (share: number | undefined): string =>
  share === undefined || !Number.isFinite(share) ? '–' : `${(100 * share).toFixed(1)} %`

/** `42 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return '–'
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

/** `2026-11-23 14:05 UTC`: the report is read in other places than where it was made. */
export const instant = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
