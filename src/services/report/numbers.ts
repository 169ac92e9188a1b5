import { durationText } from '../../shared/durationText'
import { figureText } from '../../shared/figureText'

/** A figure, or a dash where there is none. */
export const figure = (value: number | undefined): string => (value === undefined ? '–' : figureText(value))

/** `63.7 %`. */
export const percent = (share: number | undefined): string =>
  share === undefined || !Number.isFinite(share) ? '–' : `${(100 * share).toFixed(1)} %`

/** How long something took, or a dash where that is not known. */
export const duration = (ms: number | undefined): string => (ms === undefined ? '–' : durationText(ms))

/** `2026-11-23 14:05 UTC`: the report is read in other places than where it was made. */
export const instant = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
