import { JsonNumber, type JsonValue } from '../formats/strictJson'
import { Dict, List, type Value } from './values'

/** A JSON value as Python's json.loads gives it: integers exact, keys in the order of the text. */
export function fromJson(value: JsonValue): Value {
  if (value instanceof JsonNumber) return numberOf(value.text)
  if (value instanceof Map) return new Dict(Array.from(value, ([key, item]) => [key, fromJson(item)] as const))
  if (Array.isArray(value)) return new List(value.map(fromJson))
  return value as null | boolean | string
}

/** Digits alone are an int, anything with a point or an exponent is a float. */
const numberOf = (text: string): bigint | number => (/^-?\d+$/.test(text) ? BigInt(text) : Number(text))
