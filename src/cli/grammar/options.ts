import { CalendarDay } from '../../shared/calendarDay'
import { badInput } from '../../shared/errors'
import { nearestName } from '../../shared/nearestName'
import { parseSize } from '../output/sizes'

/*
 * What an option of the command line is: its value's type follows from its parser, and from `many` and `required`.
 */

export interface Option<T = unknown> {
  /** What stands after the option in the usage line; flags have none. */
  readonly value?: string
  readonly description: string
  readonly short?: string
  /** Repeatable, takes several values after one mention, and commas between them where `commas` says so. */
  readonly many?: boolean
  readonly commas?: boolean
  readonly required?: boolean
  readonly default?: T | undefined
  /** The default as the help shows it, where it is not the default's own text. */
  readonly defaultText?: string
  readonly parse: (text: string, option: string) => T
}

export type Options = Readonly<Record<string, Option>>

/** The value that an action receives for one option. */
type ValueOf<O extends Option> = O extends { many: true }
  ? ReturnType<O['parse']>[]
  : O extends { required: true } | { hasDefault: true }
    ? ReturnType<O['parse']>
    : ReturnType<O['parse']> | undefined

export type Values<O extends Options> = { readonly [K in keyof O]: ValueOf<O[K]> }

type Parser<T> = (text: string, option: string) => T
type Details = Pick<Option, 'short' | 'defaultText'>

export const flag = (description: string, details: Details = {}) => ({
  description,
  default: false,
  hasDefault: true as const,
  parse: (text: string): boolean => text === 'true',
  ...details
})

export const optional = <T>(value: string, parse: Parser<T>, description: string) => ({ value, parse, description })

export const required = <T>(value: string, parse: Parser<T>, description: string) => ({
  value,
  parse,
  description,
  required: true as const
})

export const withDefault = <T>(value: string, parse: Parser<T>, fallback: T, description: string, d: Details = {}) => ({
  value,
  parse,
  description,
  default: fallback,
  hasDefault: true as const,
  ...d
})

export const list = <T>(value: string, parse: Parser<T>, description: string, details: Details & ListDetails = {}) => ({
  value,
  parse,
  description,
  many: true as const,
  ...details
})

interface ListDetails {
  readonly commas?: boolean
  readonly required?: boolean
}

export const text: Parser<string> = (value, option) => {
  if (value === '') throw badInput(`${option} is empty; a value is needed`)
  return value
}

export const integer =
  (min: number, max = Number.MAX_SAFE_INTEGER): Parser<number> =>
  (value, option) => {
    const number = Number(value)
    if (!/^[+-]?\d+$/.test(value)) throw badInput(`${option} is "${value}"; a whole number is needed`)
    if (number < min) throw badInput(`${option} is ${value}; at least ${min} is needed`)
    if (number > max) throw badInput(`${option} is ${value}; at most ${max} is accepted`)
    return number
  }

export const positive: Parser<number> = (value, option) => {
  const number = value.trim() === '' ? Number.NaN : Number(value)
  if (!Number.isFinite(number) || number <= 0) throw badInput(`${option} is "${value}"; a number above 0 is needed`)
  return number
}

export const share: Parser<number> = (value, option) => {
  const number = positive(value, option)
  if (number > 1) throw badInput(`${option} is ${value}; at most 1 is accepted`)
  return number
}

export const size: Parser<number> = (value, option) => {
  const bytes = parseSize(value)
  if (bytes === undefined) throw badInput(`${option} is "${value}"; a size such as 512MiB or 2GiB is needed`)
  return bytes
}

export const day: Parser<CalendarDay> = (value, option) => {
  if (CalendarDay.safeParse(value).success) return value
  throw badInput(`${option} is "${value}"; a day of the calendar such as 2026-11-27 is needed`)
}

export const oneOf =
  <const T extends string | number>(accepted: readonly T[]): Parser<T> =>
  (value, option) => {
    const found = accepted.find((name) => String(name) === value)
    if (found !== undefined) return found
    const nearest = nearestName(value, accepted.map(String))
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
    throw badInput(`${option} is "${value}"; one of ${accepted.join(', ')} is needed${hint}`)
  }
