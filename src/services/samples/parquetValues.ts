import type { SchemaElement, SchemaTree } from 'hyparquet'
import { pythonFloat } from '../../engine/formats/pythonJson'
import { JsonNumber, type JsonValue, parseJson } from '../../engine/formats/strictJson'
import { bigEndian, decimalText, momentText, timeText } from './pythonTexts'

/** A value that JSON cannot hold, in words that fit after the name of its column. */
export class ParquetFault extends Error {}

/** A point in time, with all of its digits. */
export class Moment {
  constructor(readonly nanos: bigint) {}
}

/**
 * A decoded value of Parquet as JSON: what the schema says decides, so that a float stays one where it is whole, and an
 * integer keeps all of its digits.
 *
 * Decimals, dates and times become the texts that Python prints of them; bytes that are no text, such as images, become
 * null.
 *
 * @throws {ParquetFault}
 */
export function parquetValue(value: unknown, node: SchemaTree): JsonValue {
  if (value === null || value === undefined) return null
  const { element, children } = node
  if (children.length === 0) return element.repetition_type === 'REPEATED' ? listOf(value, node) : leaf(value, node)
  const { converted_type: converted, logical_type: logical } = element
  if (Array.isArray(value)) return listOf(value, itemOf(node))
  if (converted === 'MAP' || converted === 'MAP_KEY_VALUE' || logical?.type === 'MAP') return mapOf(value, node)
  const fields = value as Readonly<Record<string, unknown>>
  return new Map(children.map((child) => [child.element.name, parquetValue(fields[child.element.name], child)]))
}

const listOf = (value: unknown, item: SchemaTree): JsonValue =>
  Array.isArray(value) ? value.map((one) => itemValue(one, item)) : itemValue(value, item)

const itemValue = (value: unknown, item: SchemaTree): JsonValue => {
  if (value === null || value === undefined) return null
  return item.children.length === 0 ? leaf(value, item) : parquetValue(value, item)
}

/** What a list holds: below the list stands a repeated group, which holds the item, or is the item itself. */
function itemOf(list: SchemaTree): SchemaTree {
  const [repeated] = list.children
  if (repeated === undefined || list.element.repetition_type === 'REPEATED') return list
  const [inner] = repeated.children
  const isWrapper = repeated.children.length === 1 && ['list', 'bag', 'array'].includes(repeated.element.name)
  return inner !== undefined && isWrapper ? inner : repeated
}

function mapOf(value: unknown, node: SchemaTree): JsonValue {
  const [, values] = node.children[0]?.children ?? []
  const entries = value instanceof Map ? [...value] : Object.entries(value as object)
  return new Map(
    entries.map(([key, item]: [unknown, unknown]) => [
      String(key),
      values === undefined ? null : itemValue(item, values)
    ])
  )
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function leaf(value: unknown, { element }: SchemaTree): JsonValue {
  const { type, converted_type: converted, logical_type: logical } = element
  if (isDecimal(element)) return decimalText(integerOf(value), element.scale ?? 0)
  if (value instanceof Uint8Array && (converted === 'UTF8' || logical?.type === 'STRING'))
    throw new ParquetFault('holds bytes that are not UTF-8')
  if (typeof value === 'boolean') return value
  if (typeof value === 'string') return converted === 'JSON' ? parseJson(value) : value
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString().slice(0, 10)
  if (value instanceof Moment) return momentText(value.nanos, logical?.type === 'TIMESTAMP' && logical.isAdjustedToUTC)
  if (typeof value !== 'bigint' && typeof value !== 'number') return null
  if (logical?.type === 'TIME' || converted === 'TIME_MILLIS' || converted === 'TIME_MICROS')
    return timeText(BigInt(value) * nanosOf(element))
  if (typeof value === 'bigint') return new JsonNumber(value.toString())
  if (!Number.isFinite(value)) throw new ParquetFault(`holds ${value}, which JSON does not have`)
  const float = type === 'FLOAT' || type === 'DOUBLE' || logical?.type === 'FLOAT16'
  return float ? pythonFloat(value) : new JsonNumber(String(value))
}

/** Text of bytes; the bytes themselves where they are none. */
export function textOfBytes(bytes: Uint8Array): string | Uint8Array {
  try {
    return UTF8.decode(bytes)
  } catch {
    return bytes
  }
}

/** decimal256 of Arrow, the widest that is known, has 32 bytes. */
const MAX_DECIMAL_BYTES = 32

function integerOf(value: unknown): bigint {
  if (typeof value === 'bigint' || typeof value === 'number') return BigInt(value)
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : (value as Uint8Array)
  if (bytes.length > MAX_DECIMAL_BYTES)
    throw new ParquetFault(`holds a decimal of ${bytes.length} bytes; up to ${MAX_DECIMAL_BYTES} are accepted`)
  return bigEndian(bytes)
}

function nanosOf({ logical_type: logical, converted_type: converted }: SchemaElement): bigint {
  const unit = logical?.type === 'TIME' ? logical.unit : converted === 'TIME_MILLIS' ? 'MILLIS' : 'MICROS'
  return { MILLIS: 1_000_000n, MICROS: 1000n, NANOS: 1n }[unit]
}

/** Whether integers or bytes are the digits of a decimal. */
export const isDecimal = ({ converted_type: converted, logical_type: logical }: SchemaElement): boolean =>
  converted === 'DECIMAL' || logical?.type === 'DECIMAL'
