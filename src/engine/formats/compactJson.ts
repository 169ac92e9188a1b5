import { JsonNumber, type JsonValue } from './strictJson'

/** JSON on one line without spaces, as JSON.stringify writes it; numbers stand as they were read, keys in their order. */
export function compactJson(value: JsonValue): string {
  if (value instanceof JsonNumber) return value.text
  if (value instanceof Map)
    return `{${Array.from(value, ([key, item]) => `${JSON.stringify(key)}:${compactJson(item)}`).join(',')}}`
  if (Array.isArray(value)) return `[${value.map(compactJson).join(',')}]`
  return JSON.stringify(value)
}
