import { countOf, textOf } from './callArguments'
import { codePointCount, codePoints } from './codePoints'
import { TemplateFault } from './fault'
import { numberText } from './numberText'
import { repr, str } from './printing'
import { Dict, intOf, isInt, isNumber, List, Range, Tuple, typeName, Undefined, type Value } from './values'

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
