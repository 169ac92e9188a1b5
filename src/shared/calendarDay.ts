import { z } from 'zod'

/** A day as people write it, without a time zone: `2026-11-27`. */
export const CalendarDay = z.iso.date()
export type CalendarDay = z.infer<typeof CalendarDay>

/** The day of a moment on this machine's calendar. */
export function localDay(atMs: number): CalendarDay {
  const date = new Date(atMs)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}
