import type { SchemaTree } from 'hyparquet'
import { pythonFloat } from '../../engine/formats/pythonJson'
import { JsonNumber, type JsonValue, parseJson } from '../../engine/formats/strictJson'

/**
 * A decoded value of Parquet as JSON: what the schema says decides, so that a float stays one where it is whole, and an
 * integer keeps all of its digits.
 *
 * Dates and times become ISO texts; bytes that are no text, such as images, become null.
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

function leaf(value: unknown, { element }: SchemaTree): JsonValue {
  if (typeof value === 'boolean') return value
  if (typeof value === 'bigint') return new JsonNumber(value.toString())
  if (typeof value === 'number') {
    const float = element.type === 'FLOAT' || element.type === 'DOUBLE'
    if (!Number.isFinite(value)) return null
    return float ? pythonFloat(value) : new JsonNumber(String(value))
  }
  if (typeof value === 'string') return element.converted_type === 'JSON' ? parseJson(value) : value
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : isoText(value, element.converted_type)
  return null
}

const isoText = (date: Date, converted: string | undefined): string => {
  const text = date.toISOString()
  return converted === 'DATE' ? text.slice(0, 10) : text
}
