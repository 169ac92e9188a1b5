import { JsonNumber, type JsonObject, type JsonValue } from './strictJson'

/*
 * JSON as Python's json.dumps writes it, for files that are compared byte for byte with those of Python libraries.
 */

/**
 * json.dumps(value): on one line, in the order of the keys.
 *
 * Numbers stand as their text says: `1e-06` and `10000.0` stay what Python takes them for.
 */
export const pythonJson = (value: JsonValue): string => {
  if (value instanceof Map) return `{${entriesOf(value, pythonJson).join(', ')}}`
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`
  return scalar(value)
}

/**
 * json.dumps(value, indent=2, sort_keys=True) and a line feed: how transformers writes config.json and its indexes. What is no
 * finite number becomes an object there, which transformers 5 reads back.
 */
export const pythonJsonFile = (value: JsonValue): string => `${indented(value, '\n')}\n`

function indented(value: JsonValue, newline: string): string {
  const inner = `${newline}  `
  if (value instanceof JsonNumber && value.isWord) return indented(new Map([['__float__', value.text]]), newline)
  if (value instanceof Map && value.size > 0) {
    const sorted = new Map([...value].sort(([a], [b]) => (a < b ? -1 : 1)))
    return `{${inner}${entriesOf(sorted, (item) => indented(item, inner)).join(`,${inner}`)}${newline}}`
  }
  if (Array.isArray(value) && value.length > 0) {
    return `[${inner}${value.map((item) => indented(item, inner)).join(`,${inner}`)}${newline}]`
  }
  return pythonJson(value)
}

const entriesOf = (object: JsonObject, show: (value: JsonValue) => string): string[] =>
  [...object].map(([key, value]) => `${quoted(key)}: ${show(value)}`)

const scalar = (value: JsonValue): string =>
  value instanceof JsonNumber ? value.text : typeof value === 'string' ? quoted(value) : String(value)

/** Everything outside of printable ASCII is escaped. */
const quoted = (text: string): string =>
  JSON.stringify(text).replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** An integer. */
export const pythonInt = (value: number): JsonNumber => new JsonNumber(value.toFixed(0))

/** A finite float as Python's repr shows it: the shortest digits that give it back, an exponent below 1e-4 and from 1e16 on. */
export function pythonFloat(value: number): JsonNumber {
  const magnitude = Math.abs(value)
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    const [digits, exponent = ''] = value.toExponential().split('e')
    return new JsonNumber(`${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`)
  }
  const text = Object.is(value, -0) ? '-0' : String(value)
  return new JsonNumber(text.includes('.') ? text : `${text}.0`)
}
