import { type CallArguments, countOf, textOf } from './callArguments'
import { TemplateFault } from './fault'
import { jsonText } from './jsonText'
import { calculate, parseFloatText, parseInteger, round } from './numbers'
import { isInt, isNumber, isTrue, itemsOf, typeName, type Value } from './values'

/** `| round`. */
export function rounded(value: Value, args: CallArguments): Value {
  const [precision, method] = [args.count('precision', 0), args.text('method', 'common')]
  if (method === 'common') return round(value, precision)
  if (method !== 'ceil' && method !== 'floor') throw new TemplateFault('round has the methods common, ceil and floor')
  if (!isNumber(value)) throw new TemplateFault(`${typeName(value)} cannot be rounded`)
  const unit = precision >= 0 ? 10n ** BigInt(precision) : 10 ** precision
  const scaled = Number(calculate('*', value, unit))
  const whole = BigInt(method === 'ceil' ? Math.ceil(scaled) : Math.floor(scaled))
  return calculate('/', whole, unit)
}

/** int(value) of what is no text, or of the text in a base; undefined where Python raises TypeError or ValueError. */
export function toInteger(value: Value, base: number): Value | undefined {
  if (isInt(value)) return BigInt(value)
  const whole = typeof value === 'string' ? parseInteger(value, base) : undefined
  if (whole !== undefined) return whole
  const float = toFloat(value)
  return float !== undefined && Number.isFinite(float) ? BigInt(Math.trunc(float)) : undefined
}

/** float(value); undefined where Python raises TypeError or ValueError. */
export function toFloat(value: Value): number | undefined {
  if (typeof value === 'string') return parseFloatText(value)
  if (!isNumber(value)) return undefined
  const float = Number(value)
  if (isInt(value) && !Number.isFinite(float)) throw new TemplateFault('the integer is too large for a float')
  return float
}

/** `| tojson` as transformers defines it: nothing is escaped for HTML. */
export function toJson(value: Value, args: CallArguments): Value {
  const indent = args.value('indent', null)
  const separators = args.value('separators', null)
  const given = separators === null ? undefined : itemsOf(separators).map((one) => textOf(one, 'a separator of tojson'))
  if (given !== undefined && given.length !== 2) throw new TemplateFault('tojson takes two separators')
  return jsonText(value, {
    ensureAscii: isTrue(args.value('ensure_ascii', false)),
    indent:
      indent === null
        ? undefined
        : typeof indent === 'string'
          ? indent
          : ' '.repeat(Math.max(0, countOf(indent, 'argument indent of tojson'))),
    separators: (given as [string, string] | undefined) ?? [indent === null ? ', ' : ',', ': '],
    sortKeys: isTrue(args.value('sort_keys', false))
  })
}
