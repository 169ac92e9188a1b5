import { notHandled, TemplateFault } from './fault'
import { formatValue } from './formatValue'
import { repr, str } from './printing'
import type { Keywords, Value } from './values'

/** How a replacement field of `format` finds attributes and items. */
export interface FieldLookup {
  attribute(value: Value, name: string): Value
  item(value: Value, key: Value): Value
}

/** `text.format(…)`. @throws {TemplateFault} as Python raises, or for a format that is not handled */
export function braceFormat(text: string, args: readonly Value[], keywords: Keywords, lookup: FieldLookup): string {
  let automatic = 0
  const argument = (name: string): Value => {
    const value = name === '' ? args[automatic++] : /^\d+$/.test(name) ? args[Number(name)] : keywords.get(name)
    if (value === undefined) throw new TemplateFault(`the format finds no argument ${name}`)
    return value
  }
  const written = (part: string | Field): string => {
    if (typeof part === 'string') return part
    const value = converted(found(part.name, argument, lookup), part.conversion)
    return formatValue(value, part.spec.includes('{') ? fieldsIn(part.spec).map(written).join('') : part.spec)
  }
  return fieldsIn(text).map(written).join('')
}

/** What a field names: an argument, and the attributes and items behind it. */
function found(name: string, argument: (name: string) => Value, lookup: FieldLookup): Value {
  const [, first = '', rest = ''] = /^([^.[]*)(.*)$/s.exec(name) ?? []
  let value = argument(first)
  for (const { 1: attribute, 2: key = '' } of rest.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
    if (attribute !== undefined) value = lookup.attribute(value, attribute)
    else value = lookup.item(value, /^\d+$/.test(key) ? BigInt(key) : key)
  }
  return value
}

function converted(value: Value, conversion: string | undefined): Value {
  if (conversion === undefined) return value
  if (conversion === 'r') return repr(value)
  if (conversion === 's') return str(value)
  throw notHandled(`the conversion !${conversion}`)
}

interface Field {
  readonly name: string
  readonly conversion: string | undefined
  readonly spec: string
}

/** The text cut at its replacement fields. */
function fieldsIn(text: string): (string | Field)[] {
  const parts: (string | Field)[] = []
  for (let at = 0; at < text.length; ) {
    const brace = text.slice(at).search(/[{}]/)
    if (brace < 0) return [...parts, text.slice(at)]
    const place = at + brace
    const character = text[place] as string
    if (brace > 0) parts.push(text.slice(at, place))
    if (text[place + 1] === character) {
      parts.push(character)
      at = place + 2
      continue
    }
    if (character === '}') throw new TemplateFault("a single '}' in the format")
    const end = closingBrace(text, place)
    const [, name = '', conversion, spec = ''] =
      /^([^!:]*)(?:!([^:]*))?(?::(.*))?$/s.exec(text.slice(place + 1, end)) ?? []
    parts.push({ name, conversion, spec })
    at = end + 1
  }
  return parts
}

function closingBrace(text: string, open: number): number {
  let depth = 0
  for (let at = open; at < text.length; at++) {
    if (text[at] === '{') depth++
    else if (text[at] === '}' && --depth === 0) return at
  }
  throw new TemplateFault("a '{' of the format is not closed")
}
