import { countOf, textOf } from './callArguments'
import { notHandled, TemplateFault } from './fault'
import { fixed } from './numbers'
import { floatText, repr, str } from './printing'
import {
  codePointCount,
  codePoints,
  Dict,
  intOf,
  isInt,
  isNumber,
  type Keywords,
  List,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value
} from './values'

/*
 * Python's two ways to put values into a text: `text % values` and `text.format(values)`.
 */

interface Spec {
  readonly fill: string
  readonly align: '<' | '>' | '^' | '=' | undefined
  readonly sign: string
  readonly alternate: boolean
  readonly width: number
  readonly grouping: string
  readonly precision: number | undefined
  readonly type: string
}

const DIRECTIVE =
  /%(?:\((?<key>[^)]*)\))?(?<flags>[-+ #0]*)(?<width>\*|\d+)?(?:\.(?<precision>\*|\d*))?[hlL]?(?<type>.)?/gsu

/** `text % values`. @throws {TemplateFault} as Python raises, or for a conversion that is not handled */
export function percentFormat(text: string, values: Value): string {
  const items = values instanceof Tuple ? values.items : [values]
  let used = 0
  const next = (): Value => {
    if (used >= items.length) throw new TemplateFault('not enough arguments for the format')
    return items[used++] as Value
  }
  let byKey = false
  const result = text.replaceAll(DIRECTIVE, (...match: unknown[]) => {
    const { key, flags = '', width, precision, type } = match.at(-1) as Record<string, string | undefined>
    if (type === undefined) throw new TemplateFault('the format ends in the middle of a conversion')
    if (type === '%') return '%'
    const size = (given: string | undefined): number | undefined => {
      if (given === undefined) return undefined
      return given === '*' ? countOf(next(), '*') : Number(given)
    }
    const [asked, digits] = [size(width) ?? 0, precision === undefined ? undefined : size(precision) || 0]
    let value: Value
    if (key === undefined) value = next()
    else {
      if (!(values instanceof Dict)) throw new TemplateFault('the format needs a dictionary')
      const found = values.get(key)
      if (found === undefined) throw new TemplateFault(`the format finds no key ${JSON.stringify(key)}`)
      byKey = true
      value = found
    }
    return percentText(value, type, { flags, width: asked, precision: digits })
  })
  // What has items by key or place counts as a mapping, of which not all need be used.
  if (used < items.length && !byKey && ![Dict, List, Range, Undefined].some((type) => values instanceof type))
    throw new TemplateFault('not all arguments were converted by the format')
  return result
}

interface Conversion {
  readonly flags: string
  readonly width: number
  readonly precision: number | undefined
}

function percentText(value: Value, type: string, { flags, width, precision }: Conversion): string {
  const left = flags.includes('-') || width < 0
  const pad = (body: string, sign = ''): string => {
    const missing = Math.max(0, Math.abs(width) - codePointCount(sign + body))
    if (left) return sign + body + ' '.repeat(missing)
    const zeros = flags.includes('0') && 'diufFeEgGxXo'.includes(type)
    return zeros ? sign + '0'.repeat(missing) + body : ' '.repeat(missing) + sign + body
  }
  if (type === 's' || type === 'r') {
    const body = type === 's' ? str(value) : repr(value)
    return pad(precision === undefined ? body : codePoints(body).slice(0, precision).join(''))
  }
  if (type === 'c') {
    const character = isInt(value) ? String.fromCodePoint(Number(intOf(value))) : textOf(value, 'what %c writes')
    if (codePointCount(character) !== 1) throw new TemplateFault('%c writes one character')
    return pad(character)
  }
  if (!isNumber(value)) throw new TemplateFault(`%${type} writes a number, not ${typeName(value)}`)
  const signs = { plus: flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '' }
  const number = numberText(value, type === 'i' || type === 'u' ? 'd' : type, {
    precision,
    alternate: flags.includes('#'),
    truncate: true
  })
  return pad(number.body, number.negative ? '-' : signs.plus)
}

interface NumberForm {
  readonly precision: number | undefined
  readonly alternate: boolean
  /** `%d` cuts a float to an integer; `{:d}` refuses it. */
  readonly truncate: boolean
}

/** A number without its sign in a format of C. */
function numberText(value: bigint | boolean | number, type: string, form: NumberForm) {
  if ('dxXobn'.includes(type)) return integerText(value, type, form)
  if (!'eEfFgG%'.includes(type)) throw new TemplateFault(`numbers have no format ${JSON.stringify(type)}`)
  if (form.alternate) throw notHandled(`the flag # before ${type}`)
  const float = Number(value) * (type === '%' ? 100 : 1)
  const negative = float < 0 || Object.is(float, -0)
  const size = Math.abs(float)
  if (!Number.isFinite(float)) {
    const word = Number.isNaN(float) ? 'nan' : 'inf'
    return { negative, body: (/[EFG]/.test(type) ? word.toUpperCase() : word) + (type === '%' ? '%' : '') }
  }
  const digits = form.precision ?? 6
  const body =
    type === '%'
      ? `${fixed(size, digits)}%`
      : /f/i.test(type)
        ? fixed(size, digits)
        : /e/i.test(type)
          ? exponential(size, digits)
          : general(size, digits)
  return { negative, body: /[EG]/.test(type) ? body.toUpperCase() : body }
}

function integerText(
  value: bigint | boolean | number,
  type: string,
  { precision = 0, alternate, truncate }: NumberForm
) {
  if (typeof value === 'number' && (!truncate || type !== 'd' || !Number.isFinite(value)))
    throw new TemplateFault(`a float has no format ${JSON.stringify(type)}`)
  const integer = typeof value === 'number' ? BigInt(Math.trunc(value)) : intOf(value)
  const radix = { x: 16, X: 16, o: 8, b: 2 }[type] ?? 10
  const digits = (integer < 0n ? -integer : integer).toString(radix).padStart(precision, '0')
  const prefix = alternate && radix !== 10 ? `0${type}` : ''
  return { negative: integer < 0n, body: prefix + (type === 'X' ? digits.toUpperCase() : digits) }
}

/** %e: one digit before the point, at least two in the exponent. */
function exponential(value: number, digits: number): string {
  if (digits > 100) throw notHandled(`a number with ${digits} digits`)
  const text = value.toExponential(digits)
  const exact = value.toExponential(Math.min(100, digits + 40))
  if (
    /^50*$/.test(
      exact
        .split('e')[0]
        ?.replace('.', '')
        .slice(digits + 1) ?? ''
    ) &&
    digits < 60
  )
    throw notHandled('a number halfway between two that could be written')
  const [mantissa, exponent = ''] = text.split('e')
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}

/** %g: the shorter of %e and %f, without zeros at the end. */
function general(value: number, precision: number): string {
  const digits = Math.max(1, precision)
  if (value === 0) return '0'
  const exponent = Number(exponential(value, digits - 1).split('e')[1])
  const trimmed = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)
  if (exponent >= -4 && exponent < digits) return trimmed(fixed(value, digits - 1 - exponent))
  const [mantissa = '', power] = exponential(value, digits - 1).split('e')
  return `${trimmed(mantissa)}e${power}`
}

/** How a replacement field of `format` finds attributes and items. */
export interface FieldLookup {
  attribute(value: Value, name: string): Value
  item(value: Value, key: Value): Value
}

/** `text.format(…)`. @throws {TemplateFault} as Python raises, or for a format that is not handled */
export function braceFormat(text: string, args: readonly Value[], keywords: Keywords, lookup: FieldLookup): string {
  let automatic = 0
  const argument = (name: string): Value => {
    const value = name === '' ? args[automatic++] : /^\d+$/.test(name) ? args[Number(name)] : keywords.get(name)
    if (value === undefined) throw new TemplateFault(`the format finds no argument ${name}`)
    return value
  }
  const written = (part: string | Field): string => {
    if (typeof part === 'string') return part
    const value = converted(found(part.name, argument, lookup), part.conversion)
    return formatValue(value, part.spec.includes('{') ? fieldsIn(part.spec).map(written).join('') : part.spec)
  }
  return fieldsIn(text).map(written).join('')
}

/** What a field names: an argument, and the attributes and items behind it. */
function found(name: string, argument: (name: string) => Value, lookup: FieldLookup): Value {
  const [, first = '', rest = ''] = /^([^.[]*)(.*)$/s.exec(name) ?? []
  let value = argument(first)
  for (const { 1: attribute, 2: key = '' } of rest.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
    if (attribute !== undefined) value = lookup.attribute(value, attribute)
    else value = lookup.item(value, /^\d+$/.test(key) ? BigInt(key) : key)
  }
  return value
}

function converted(value: Value, conversion: string | undefined): Value {
  if (conversion === undefined) return value
  if (conversion === 'r') return repr(value)
  if (conversion === 's') return str(value)
  throw notHandled(`the conversion !${conversion}`)
}

interface Field {
  readonly name: string
  readonly conversion: string | undefined
  readonly spec: string
}

/** The text cut at its replacement fields. */
function fieldsIn(text: string): (string | Field)[] {
  const parts: (string | Field)[] = []
  for (let at = 0; at < text.length; ) {
    const brace = text.slice(at).search(/[{}]/)
    if (brace < 0) return [...parts, text.slice(at)]
    const place = at + brace
    const character = text[place] as string
    if (brace > 0) parts.push(text.slice(at, place))
    if (text[place + 1] === character) {
      parts.push(character)
      at = place + 2
      continue
    }
    if (character === '}') throw new TemplateFault("a single '}' in the format")
    const end = closingBrace(text, place)
    const [, name = '', conversion, spec = ''] =
      /^([^!:]*)(?:!([^:]*))?(?::(.*))?$/s.exec(text.slice(place + 1, end)) ?? []
    parts.push({ name, conversion, spec })
    at = end + 1
  }
  return parts
}

function closingBrace(text: string, open: number): number {
  let depth = 0
  for (let at = open; at < text.length; at++) {
    if (text[at] === '{') depth++
    else if (text[at] === '}' && --depth === 0) return at
  }
  throw new TemplateFault("a '{' of the format is not closed")
}

const SPEC =
  /^(?:(?<fill>.)?(?<align>[<>=^]))?(?<sign>[-+ ])?(?<alternate>#)?(?<zero>0)?(?<width>\d+)?(?<grouping>[,_])?(?:\.(?<precision>\d+))?(?<type>[a-zA-Z%])?$/su

/** format(value, spec). */
function formatValue(value: Value, text: string): string {
  if (text === '') return str(value)
  const groups = SPEC.exec(text)?.groups
  if (groups === undefined) throw new TemplateFault(`the format has no specification ${JSON.stringify(text)}`)
  const zero = groups.zero !== undefined
  const spec: Spec = {
    fill: groups.fill ?? (zero ? '0' : ' '),
    align: (groups.align as Spec['align']) ?? (zero && typeof value !== 'string' ? '=' : undefined),
    sign: groups.sign ?? '-',
    alternate: groups.alternate !== undefined,
    width: Number(groups.width ?? 0),
    grouping: groups.grouping ?? '',
    precision: groups.precision === undefined ? undefined : Number(groups.precision),
    type: groups.type ?? ''
  }
  if (typeof value === 'string') return formatText(value, spec)
  if (isNumber(value) && !(typeof value === 'boolean' && spec.type === '')) return formatNumber(value, spec)
  if (typeof value === 'boolean') return formatNumber(intOf(value), spec)
  throw new TemplateFault(`${typeName(value)} takes no format specification`)
}

function formatText(value: string, spec: Spec): string {
  if (
    !['', 's'].includes(spec.type) ||
    spec.align === '=' ||
    spec.sign !== '-' ||
    spec.alternate ||
    spec.grouping !== ''
  )
    throw new TemplateFault('the format specification is not one of texts')
  const body = spec.precision === undefined ? value : codePoints(value).slice(0, spec.precision).join('')
  return aligned('', body, spec, '<')
}

function formatNumber(value: bigint | boolean | number, spec: Spec): string {
  const { type, precision, alternate } = spec
  if (isInt(value) && precision !== undefined && ['', 'd'].includes(type))
    throw new TemplateFault('an integer takes no precision')
  const plain = type === '' && typeof value === 'number'
  if (plain && precision !== undefined) throw notHandled('a precision without the type of the number')
  const number = plain
    ? { negative: value < 0 || Object.is(value, -0), body: floatText(Math.abs(value)) }
    : numberText(value, type === '' ? 'd' : type, { precision, alternate, truncate: false })
  if (spec.grouping !== '' && spec.fill === '0' && spec.align === '=') throw notHandled('zeros before grouped digits')
  const body = spec.grouping === '' ? number.body : grouped(number.body, spec.grouping)
  const sign = number.negative ? '-' : spec.sign === '-' ? '' : spec.sign
  return aligned(sign, body, spec, '>')
}

const grouped = (body: string, separator: string): string =>
  body.replace(/^\d+/, (digits) => digits.replaceAll(/\B(?=(?:\d{3})+$)/g, separator))

function aligned(sign: string, body: string, { fill, align, width }: Spec, otherwise: '<' | '>'): string {
  const missing = Math.max(0, width - codePointCount(sign + body))
  const pad = (count: number): string => fill.repeat(count)
  switch (align ?? otherwise) {
    case '<':
      return sign + body + pad(missing)
    case '>':
      return pad(missing) + sign + body
    case '=':
      return sign + pad(missing) + body
    default:
      return pad(Math.floor(missing / 2)) + sign + body + pad(Math.ceil(missing / 2))
  }
}
