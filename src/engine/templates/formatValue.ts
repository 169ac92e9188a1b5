import { codePointCount, codePoints } from './codePoints'
import { notHandled, TemplateFault } from './fault'
import { numberText } from './numberText'
import { floatText, str } from './printing'
import { intOf, isInt, isNumber, typeName, type Value } from './values'

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

const SPEC =
  /^(?:(?<fill>.)?(?<align>[<>=^]))?(?<sign>[-+ ])?(?<alternate>#)?(?<zero>0)?(?<width>\d+)?(?<grouping>[,_])?(?:\.(?<precision>\d+))?(?<type>[a-zA-Z%])?$/su

/** format(value, spec). */
export function formatValue(value: Value, text: string): string {
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
