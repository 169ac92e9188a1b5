import { pythonFloat } from '../formats/pythonJson'
import { joined, spend } from './budget'
import { notHandled } from './fault'
import {
  Attributed,
  Callable,
  Dict,
  DictView,
  Iter,
  intOf,
  isInt,
  List,
  Markup,
  Namespace,
  Range,
  Tuple,
  Undefined,
  type Value
} from './values'

/** repr of a float: the shortest digits that give it back, always with a point or an exponent. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  return pythonFloat(value).text
}

/** str(value): what `{{ value }}` writes. @throws {TemplateFault} for what Python prints with an address in memory */
export function str(value: Value): string {
  if (typeof value === 'string') return value
  if (value instanceof Markup) return value.text
  if (value instanceof Undefined) return ''
  return repr(value)
}

/** repr(value): what stands inside of lists and dictionaries. */
export function repr(value: Value): string {
  spend(4) // a value that holds another twice is soon longer than all memory
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (isInt(value)) return String(intOf(value))
  if (typeof value === 'number') return floatText(value)
  if (typeof value === 'string') return quoted(value)
  if (value instanceof Undefined) return 'Undefined'
  if (value instanceof Markup) return `Markup(${quoted(value.text)})`
  if (value instanceof List) return `[${listed(value.items)}]`
  if (value instanceof Tuple) return `(${listed(value.items)}${value.items.length === 1 ? ',' : ''})`
  if (value instanceof Dict) return dictText(value)
  if (value instanceof DictView) return `dict_${value.of}([${listed(value.items)}])`
  if (value instanceof Range) {
    const { start, stop, step } = value
    return step === 1n ? `range(${start}, ${stop})` : `range(${start}, ${stop}, ${step})`
  }
  if (value instanceof Namespace) return `<Namespace ${dictText(value.attributes)}>`
  if (value instanceof Iter) throw notHandled('printing a generator, of which Python shows the address (add | list),')
  if (value instanceof Callable)
    throw notHandled(`printing the function ${value.name}, of which Python shows the address,`)
  if (value instanceof Attributed) throw notHandled(`printing ${value.typeName}`)
  return value satisfies never
}

const listed = (items: readonly Value[]): string => joined(items.map(repr), ', ')

const dictText = (dict: Dict): string => {
  const entries = Array.from(dict.entries(), ([key, value]) => `${repr(key)}: ${repr(value)}`)
  return `{${joined(entries, ', ')}}`
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const NOT_PRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}]/u

/** Whether str.isprintable holds for a character. */
export const isPrintable = (character: string): boolean => character === ' ' || !NOT_PRINTABLE.test(character)

function quoted(text: string): string {
  spend(text.length)
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  let body = ''
  for (const character of text) {
    if (character === quote) body += `\\${quote}`
    else body += ESCAPES[character] ?? (isPrintable(character) ? character : codeEscape(character))
  }
  return quote + body + quote
}

function codeEscape(character: string): string {
  const code = character.codePointAt(0) as number
  const hex = code.toString(16)
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}
