import { joined, spend, spendText } from './budget'
import { TemplateFault } from './fault'
import { lessThan } from './ordering'
import { floatText } from './printing'
import { Dict, intOf, isInt, isNumber, List, Markup, Tuple, typeName, type Value } from './values'

export interface JsonLayout {
  readonly ensureAscii: boolean
  /** The text of one level of indentation; undefined for one line. */
  readonly indent: string | undefined
  readonly separators: readonly [item: string, key: string]
  readonly sortKeys: boolean
}

/** json.dumps(value) of Python. @throws {TemplateFault} for what it cannot write */
export function jsonText(value: Value, layout: JsonLayout): string {
  const quote = (text: string): string => {
    spendText(text.length)
    return layout.ensureAscii ? asciiQuoted(text) : quoted(text)
  }
  const write = (item: Value, line: string): string => {
    spend(4) // as in repr
    if (typeof item === 'string') return quote(item)
    if (item instanceof Markup) return quote(item.text)
    if (item instanceof Dict) return nested('{', '}', dictEntries(item, line), line)
    if (item instanceof List || item instanceof Tuple)
      return nested(
        '[',
        ']',
        item.items.map((one) => write(one, inner(line))),
        line
      )
    return scalar(item)
  }
  const inner = (line: string): string => line + (layout.indent ?? '')
  const nested = (open: string, close: string, parts: readonly string[], line: string): string => {
    const [comma] = layout.separators
    if (parts.length === 0) return open + close
    if (layout.indent === undefined) return open + joined(parts, comma) + close
    return `${open}${inner(line)}${joined(parts, comma + inner(line))}${line}${close}`
  }
  const dictEntries = (dict: Dict, line: string): string[] => {
    const entries = [...dict.entries()]
    if (layout.sortKeys) entries.sort(([a], [b]) => (lessThan(a, b) ? -1 : 1))
    return entries.map(([key, item]) => quote(keyText(key)) + layout.separators[1] + write(item, inner(line)))
  }
  return write(value, '\n')
}

function scalar(value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return String(value)
  if (isInt(value)) return String(intOf(value))
  if (typeof value !== 'number') throw new TemplateFault(`${typeName(value)} cannot be written as JSON`)
  if (Number.isNaN(value)) return 'NaN'
  return Number.isFinite(value) ? floatText(value) : value > 0 ? 'Infinity' : '-Infinity'
}

function keyText(key: Value): string {
  if (typeof key === 'string') return key
  if (key instanceof Markup) return key.text
  if (key === null || isNumber(key)) return scalar(key)
  throw new TemplateFault(`keys of JSON are texts or numbers, not ${typeName(key)}`)
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\b': '\\b'
}

const unicodeEscape = (character: string): string =>
  SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

// biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that JSON has to escape
const quoted = (text: string): string => `"${text.replaceAll(/[\u0000-\u001f"\\]/g, unicodeEscape)}"`
const asciiQuoted = (text: string): string => `"${text.replaceAll(/[^ !#-[\]-~]/g, unicodeEscape)}"`
