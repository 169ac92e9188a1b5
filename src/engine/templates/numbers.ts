import { MAX_TEXT, spend } from './budget'
import { strip } from './characters'
import { notHandled, TemplateFault } from './fault'
import { intOf, isInt, isNumber, List, Markup, Tuple, typeName, type Value } from './values'

/*
 * Arithmetic as Python does it: integers are exact, a quotient rounds down, a remainder has the sign of the divisor.
 */

export type Operator = '+' | '-' | '*' | '/' | '//' | '%' | '**'

/** Digits of the longest integer that Python reads from a text. */
const MAX_DIGITS = 4300
/** Bits of the largest power: a number that takes a page to write is no part of a chat. */
const MAX_POWER_BITS = 2 ** 16

/** a op b, but for the `%` of texts. @throws {TemplateFault} for operands that Python has no such operation for */
export function calculate(operator: Operator, a: Value, b: Value): Value {
  if (isInt(a) && isInt(b)) return ofIntegers(operator, intOf(a), intOf(b))
  if (isNumber(a) && isNumber(b)) return ofFloats(operator, Number(a), Number(b))
  if (operator === '+') return added(a, b)
  if (operator === '*') {
    if (isInt(b)) return repeated(a, intOf(b))
    if (isInt(a)) return repeated(b, intOf(a))
  }
  throw unsupported(operator, a, b)
}

const unsupported = (operator: string, a: Value, b: Value): TemplateFault =>
  a instanceof Markup || b instanceof Markup
    ? notHandled(`${operator} of text marked as safe, which Python escapes,`)
    : new TemplateFault(`${typeName(a)} ${operator} ${typeName(b)} has no meaning`)

function added(a: Value, b: Value): Value {
  if (typeof a === 'string' && typeof b === 'string') return a + b
  if (a instanceof List && b instanceof List) return new List(behind(a.items, b.items))
  if (a instanceof Tuple && b instanceof Tuple) return new Tuple(behind(a.items, b.items))
  throw unsupported('+', a, b)
}

function behind(a: readonly Value[], b: readonly Value[]): Value[] {
  spend(a.length + b.length)
  return a.concat(b)
}

function repeated(value: Value, times: bigint): Value {
  const count = Number(times < 0n ? 0n : times)
  const size =
    typeof value === 'string' ? value.length : value instanceof List || value instanceof Tuple ? value.items.length : 0
  if (size * count > MAX_TEXT) throw notHandled(`repeating something ${times} times`)
  if (typeof value === 'string') return value.repeat(count)
  spend(size * count)
  const items = (list: List | Tuple): Value[] => Array.from({ length: count }, () => list.items).flat()
  if (value instanceof List) return new List(items(value))
  if (value instanceof Tuple) return new Tuple(items(value))
  throw unsupported('*', value, times)
}

function ofIntegers(operator: Operator, a: bigint, b: bigint): Value {
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return bounded(a * b)
    case '/':
      return quotient(a, b)
    case '//':
      return floorDivide(a, b)
    case '%':
      return a - floorDivide(a, b) * b
    case '**':
      return power(a, b)
    default:
      return operator satisfies never
  }
}

function bounded(product: bigint): bigint {
  if (BigInt.asIntN(MAX_POWER_BITS, product) !== product) throw notHandled('a product of so many digits')
  return product
}

const divisor = <T extends bigint | number>(b: T): T => {
  if (Number(b) === 0) throw new TemplateFault('division by zero')
  return b
}

function quotient(a: bigint, b: bigint): number {
  const [x, y] = [Number(a), Number(divisor(b))]
  if (Number.isSafeInteger(x) && Number.isSafeInteger(y)) return x / y
  throw notHandled('/ of integers beyond 2^53')
}

function floorDivide(a: bigint, b: bigint): bigint {
  const whole = a / divisor(b)
  return a % b !== 0n && a < 0n !== b < 0n ? whole - 1n : whole
}

function power(a: bigint, b: bigint): Value {
  if (b < 0n) return ofFloats('**', Number(a), Number(b))
  if (b * BigInt(a.toString(2).length) > MAX_POWER_BITS) throw notHandled(`the power ${b} of ${a}`)
  return a ** b
}

function ofFloats(operator: Operator, a: number, b: number): Value {
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / divisor(b)
    case '//':
      return floorDivideFloats(a, divisor(b))
    case '%':
      return remainder(a, divisor(b))
    case '**':
      // The last digit of a power depends on the library of C.
      throw notHandled('** of floats, or with a negative exponent,')
    default:
      return operator satisfies never
  }
}

function remainder(a: number, b: number): number {
  const rest = a % b
  if (rest === 0) return b < 0 ? -0 : 0
  return rest < 0 !== b < 0 ? rest + b : rest
}

/** As CPython: the quotient of what the remainder leaves, rounded to the nearest integer. */
function floorDivideFloats(a: number, b: number): number {
  const exact = (a - (a % b)) / b - (a % b !== 0 && a % b < 0 !== b < 0 ? 1 : 0)
  if (exact === 0) return a / b < 0 ? -0 : 0
  const floor = Math.floor(exact)
  return exact - floor > 0.5 ? floor + 1 : floor
}

/** The text of a finite number with so many digits behind the point: correctly rounded, halves to the even digit. */
export function fixed(value: number, digits: number): string {
  if (digits > 100) throw notHandled(`a number with ${digits} digits behind the point`)
  if (Math.abs(value) >= 1e21) {
    const whole = BigInt(value).toString()
    return digits === 0 ? whole : `${whole}.${'0'.repeat(digits)}`
  }
  const text = value.toFixed(digits) // exact, but halves go away from zero
  const more = value.toFixed(Math.min(100, digits + 60))
  const tail = more.slice(more.indexOf('.') + 1 + digits)
  if (!/^50*$/.test(tail) || !/[13579]$/.test(text)) return text
  const step = value < 0 ? 1n : -1n
  const scaled = BigInt(text.replace('.', '')) + step
  const all = scaled
    .toString()
    .replace('-', '')
    .padStart(digits + 1, '0')
  const sign = value < 0 ? '-' : ''
  return digits === 0 ? sign + all : `${sign}${all.slice(0, -digits)}.${all.slice(-digits)}`
}

/** round(value, digits) of Python. */
export function round(value: Value, digits: number): Value {
  if (isInt(value)) {
    if (digits >= 0) return intOf(value)
    if (digits < -MAX_DIGITS) throw notHandled(`rounding to ${-digits} digits`)
    const unit = 10n ** BigInt(-digits)
    const [low, rest] = [floorDivide(intOf(value), unit), ((intOf(value) % unit) + unit) % unit]
    const up = 2n * rest > unit || (2n * rest === unit && low % 2n !== 0n)
    return (up ? low + 1n : low) * unit
  }
  if (typeof value !== 'number') throw new TemplateFault(`${typeName(value)} cannot be rounded`)
  if (!Number.isFinite(value)) return value
  if (digits < 0) throw notHandled('rounding a float to tens')
  return Math.abs(value) >= 1e21 || digits > 100 ? value : Number(fixed(value, digits))
}

const DIGITS = /^[+-]?[0-9a-z]+(?:_[0-9a-z]+)*$/i

/** int(text, base); undefined where Python raises ValueError. */
export function parseInteger(text: string, base: number): bigint | undefined {
  if (base !== 0 && (base < 2 || base > 36)) return undefined
  const bare = asciiDigits(strip(text, 'both'))
  const sign = bare.startsWith('-') ? -1n : 1n
  let digits = bare.replace(/^[+-]/, '').toLowerCase()
  const prefix = { '0b': 2, '0o': 8, '0x': 16 }[digits.slice(0, 2)]
  let radix = base
  if (prefix !== undefined && (base === 0 || base === prefix)) {
    radix = prefix
    digits = digits.slice(2).replace(/^_/, '')
  } else if (base === 0) {
    radix = 10
    if (/^0[0_]*[1-9]/.test(digits)) return undefined
  }
  if (!DIGITS.test(digits) || /^[+-]/.test(digits)) return undefined
  if (digits.length > MAX_DIGITS) {
    if (![2, 4, 8, 16, 32].includes(radix)) return undefined
    throw notHandled(`an integer of ${digits.length} digits`)
  }
  let value = 0n
  for (const digit of digits.replaceAll('_', '')) {
    const number = Number.parseInt(digit, 36)
    if (number >= radix) return undefined
    value = value * BigInt(radix) + BigInt(number)
  }
  return sign * value
}

const FLOAT = /^[+-]?(?:(?:\d+(?:_\d+)*)?\.?(?:\d+(?:_\d+)*)?(?:e[+-]?\d+(?:_\d+)*)?)$/i

/** float(text); undefined where Python raises ValueError. */
export function parseFloatText(text: string): number | undefined {
  const bare = asciiDigits(strip(text, 'both')).toLowerCase()
  const word = /^([+-]?)(inf|infinity|nan)$/.exec(bare)
  if (word !== null)
    return word[2] === 'nan' ? Number.NaN : word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  if (!FLOAT.test(bare) || !/^[+-]?\.?\d/.test(bare)) return undefined
  const value = Number(bare.replaceAll('_', ''))
  return Number.isNaN(value) ? undefined : value
}

/** Decimal digits of every script as those of ASCII: each script has its ten in a row that begins at a multiple of ten or sixteen. */
function asciiDigits(text: string): string {
  return text.replaceAll(/\p{Nd}/gu, (digit) => {
    if (/\d/.test(digit)) return digit
    throw notHandled(`the digit ${digit} in a number`)
  })
}
