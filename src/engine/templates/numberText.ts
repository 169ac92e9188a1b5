import { notHandled, TemplateFault } from './fault'
import { fixed } from './numbers'
import { intOf } from './values'

interface NumberForm {
  readonly precision: number | undefined
  readonly alternate: boolean
  /** `%d` cuts a float to an integer; `{:d}` refuses it. */
  readonly truncate: boolean
}

/** A number without its sign in a format of C. */
export function numberText(value: bigint | boolean | number, type: string, form: NumberForm) {
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
