import type { CalendarDay } from '../../shared/calendarDay'

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December'
]
const DAY_MS = 86_400_000

/** A day taken apart; every number as `tm` of C counts it, but month and year as people do. */
interface Parts {
  readonly year: number
  readonly month: number
  readonly day: number
  /** 0 is Sunday. */
  readonly weekday: number
  /** 1 is the first of January. */
  readonly dayOfYear: number
  readonly isoYear: number
  readonly isoWeek: number
}

/** What a directive writes: a text, or a number with the width and the fill that it has without a flag. */
type Field = string | { readonly value: number; readonly width: number; readonly fill: '0' | ' ' }

const number = (value: number, width = 2, fill: '0' | ' ' = '0'): Field => ({ value, width, fill })

/** Directives of C's strftime in the C locale, as Python's datetime passes them on; the time is midnight. */
const FIELDS: Readonly<Record<string, (parts: Parts) => Field>> = {
  a: ({ weekday }) => (DAYS[weekday] as string).slice(0, 3),
  A: ({ weekday }) => DAYS[weekday] as string,
  b: ({ month }) => (MONTHS[month - 1] as string).slice(0, 3),
  B: ({ month }) => MONTHS[month - 1] as string,
  C: ({ year }) => number(Math.floor(year / 100)),
  d: ({ day }) => number(day),
  e: ({ day }) => number(day, 2, ' '),
  f: () => '000000',
  g: ({ isoYear }) => number(isoYear % 100),
  G: ({ isoYear }) => number(isoYear, 1),
  h: ({ month }) => (MONTHS[month - 1] as string).slice(0, 3),
  H: () => number(0),
  I: () => number(12),
  j: ({ dayOfYear }) => number(dayOfYear, 3),
  k: () => number(0, 2, ' '),
  l: () => number(12, 2, ' '),
  m: ({ month }) => number(month),
  M: () => number(0),
  n: () => '\n',
  p: () => 'AM',
  P: () => 'am',
  S: () => number(0),
  t: () => '\t',
  u: ({ weekday }) => number(weekday === 0 ? 7 : weekday, 1),
  U: ({ dayOfYear, weekday }) => number(Math.floor((dayOfYear + 6 - weekday) / 7)),
  V: ({ isoWeek }) => number(isoWeek),
  w: ({ weekday }) => number(weekday, 1),
  W: ({ dayOfYear, weekday }) => number(Math.floor((dayOfYear + 6 - ((weekday + 6) % 7)) / 7)),
  y: ({ year }) => number(year % 100),
  Y: ({ year }) => number(year, 1),
  z: () => '',
  Z: () => '',
  '%': () => '%'
}

/** Directives that stand for several others. */
const COMPOSED: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  r: '%I:%M:%S %p',
  R: '%H:%M',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S'
}

/**
 * `datetime.strftime(format)` of Python in the C locale, for midnight of a day: the same text in every time zone.
 *
 * @throws {RangeError} for a directive that is not known
 */
export function strftime(format: string, day: CalendarDay): string {
  const parts = partsOf(day)
  const write = (text: string): string =>
    text.replaceAll(/%([-_0^]?)(.?)/gsu, (whole, flag: string, directive: string) => {
      const composed = COMPOSED[directive]
      if (composed !== undefined && (flag === '' || flag === '^')) return flagged(write(composed), flag)
      const field = FIELDS[directive]?.(parts)
      if (field === undefined) throw new RangeError(`strftime_now knows no ${JSON.stringify(whole)}`)
      return flagged(field, flag)
    })
  return write(format)
}

function flagged(field: Field, flag: string): string {
  if (typeof field === 'string') return flag === '^' ? field.toUpperCase() : field
  const digits = String(field.value)
  if (flag === '-') return digits
  return digits.padStart(field.width, flag === '_' ? ' ' : flag === '0' ? '0' : field.fill)
}

function partsOf(day: CalendarDay): Parts {
  const at = Date.parse(`${day}T00:00:00Z`)
  const date = new Date(at)
  const year = date.getUTCFullYear()
  const weekday = date.getUTCDay()
  // The ISO year of a week is that of its Thursday.
  const thursday = at + (4 - (weekday === 0 ? 7 : weekday)) * DAY_MS
  const isoYear = new Date(thursday).getUTCFullYear()
  return {
    year,
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday,
    dayOfYear: 1 + (at - Date.UTC(year, 0, 1)) / DAY_MS,
    isoYear,
    isoWeek: 1 + Math.floor((thursday - Date.UTC(isoYear, 0, 1)) / DAY_MS / 7)
  }
}
