import { braceFormat, type FieldLookup } from './braceFormat'
import { CallArguments } from './callArguments'
import { codePointAt, codePoints } from './codePoints'
import { notHandled, TemplateFault } from './fault'
import { equal } from './ordering'
import { repr } from './printing'
import { textMethod } from './textMethods'
import {
  Attributed,
  Callable,
  Dict,
  DictView,
  intOf,
  isInt,
  itemsOf,
  List,
  Markup,
  Namespace,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value
} from './values'

/*
 * Attributes and items as Jinja's sandbox finds them: `a.b` takes the attribute before the item, `a["b"]` the item before
 * the attribute, and what is neither is undefined.
 */

/** Methods that change what they belong to: the sandbox of transformers forbids them. */
const CHANGING = [
  'append',
  'clear',
  'extend',
  'insert',
  'pop',
  'popitem',
  'remove',
  'reverse',
  'setdefault',
  'sort',
  'update'
]

/** What Python's other types have as attributes, and Quail has not. */
const NUMBER_ATTRIBUTES = [
  'as_integer_ratio',
  'bit_count',
  'bit_length',
  'conjugate',
  'denominator',
  'from_bytes',
  'fromhex',
  'hex',
  'imag',
  'is_integer',
  'numerator',
  'real',
  'to_bytes'
]

/** `value.name`. @throws {TemplateFault} when the value is undefined, or the attribute is one that is not handled */
export function attributeOf(value: Value, name: string): Value {
  const own = ownAttribute(value, name)
  const found = own === undefined ? itemOrMissing(value, name) : own
  return found === undefined ? missing(value, name) : found
}

/** `value[key]`. @throws {TemplateFault} as `attributeOf` */
export function itemOf(value: Value, key: Value): Value {
  const item = itemOrMissing(value, key)
  if (item !== undefined) return item
  return typeof key === 'string' ? onlyAttribute(value, key) : missing(value, key)
}

/** An attribute alone, as the filter `attr` finds it. */
export function onlyAttribute(value: Value, name: string): Value {
  const own = ownAttribute(value, name)
  return own === undefined ? missing(value, name) : own
}

const FIELDS: FieldLookup = { attribute: attributeOf, item: itemOf }

function missing(value: Value, name: Value): Undefined {
  const what = typeof name === 'string' ? `attribute '${name}'` : `element ${repr(name)}`
  return new Undefined(value === null ? `none has no ${what}` : `'${typeName(value)}' object has no ${what}`)
}

function ownAttribute(value: Value, name: string): Value | undefined {
  if (value instanceof Undefined) throw undefinedUse(value)
  if (name.startsWith('_')) return undefined
  if (typeof value === 'string') return name === 'format' ? formatOf(value) : textMethod(value, name)
  if (value instanceof Dict) return dictMethod(value, name)
  if (value instanceof Tuple && value.names.includes(name)) return value.items[value.names.indexOf(name)]
  if (value instanceof List || value instanceof Tuple) return sequenceMethod(value, name)
  if (value instanceof Namespace) return value.attributes.get(name)
  if (value instanceof Attributed) return value.attribute(name)
  if (value instanceof Range && ['start', 'stop', 'step'].includes(name))
    return value[name as 'start' | 'stop' | 'step']
  if (value instanceof Range || value instanceof DictView || value instanceof Callable || value instanceof Markup)
    throw notHandled(`the attribute ${name} of a ${typeName(value)}`)
  if (value !== null && ['boolean', 'bigint', 'number'].includes(typeof value) && NUMBER_ATTRIBUTES.includes(name))
    throw notHandled(`the attribute ${name} of a number`)
  return undefined
}

/** Why something undefined cannot be used. */
export const undefinedUse = ({ reason }: Undefined): TemplateFault => new TemplateFault(reason)

const formatOf = (text: string): Callable =>
  new Callable('format', (args, keywords) => braceFormat(text, args, keywords, FIELDS))

function dictMethod(dict: Dict, name: string): Callable | undefined {
  switch (name) {
    case 'keys':
    case 'values':
    case 'items':
      return new Callable(name, (args, keywords) => {
        new CallArguments(name, [], args, keywords)
        return new DictView(dict, name)
      })
    case 'get':
      return new Callable(name, (args, keywords) => {
        const given = new CallArguments(name, ['key!', 'default'], args, keywords)
        const found = dict.get(given.get('key') as Value)
        return found === undefined ? given.value('default', null) : found
      })
    case 'copy':
      return new Callable(name, () => new Dict(dict.entries()))
    case 'fromkeys':
      throw notHandled('the method fromkeys of dictionaries')
    default:
      return forbidden(name)
  }
}

function sequenceMethod(list: List | Tuple, name: string): Callable | undefined {
  switch (name) {
    case 'index':
      return new Callable(name, (args, keywords) => {
        const given = new CallArguments(name, ['value!'], args, keywords)
        const at = list.items.findIndex((item) => equal(item, given.get('value') as Value))
        if (at < 0) throw new TemplateFault('the value is not in the list')
        return BigInt(at)
      })
    case 'count':
      return new Callable(name, (args, keywords) => {
        const given = new CallArguments(name, ['value!'], args, keywords)
        return BigInt(list.items.filter((item) => equal(item, given.get('value') as Value)).length)
      })
    case 'copy':
      return list instanceof List ? new Callable(name, () => list) : undefined
    default:
      return list instanceof List ? forbidden(name) : undefined
  }
}

function forbidden(name: string): Callable | undefined {
  if (!CHANGING.includes(name)) return undefined
  return new Callable(name, () => {
    throw new TemplateFault(`${name} would change a value, which templates may not`)
  })
}

/** value[key], where Python finds something. */
function itemOrMissing(value: Value, key: Value): Value | undefined {
  if (value instanceof Undefined) throw undefinedUse(value)
  if (value instanceof Dict) return hashable(key) ? value.get(key) : undefined
  if (!isInt(key)) return undefined
  if (value instanceof Markup) throw notHandled('an item of text marked as safe')
  const index = Number(intOf(key))
  if (typeof value === 'string') return codePointAt(value, index)
  const items = indexed(value)
  if (items === undefined) return undefined
  return items[index < 0 ? index + items.length : index]
}

const hashable = (key: Value): boolean =>
  !(key instanceof List || key instanceof Dict || (key instanceof Tuple && !key.items.every(hashable)))

const indexed = (value: Value): readonly Value[] | undefined =>
  value instanceof List || value instanceof Tuple || value instanceof Range ? itemsOf(value) : undefined

export interface Bounds {
  readonly start: Value
  readonly stop: Value
  readonly step: Value
}

/** `value[start:stop:step]`. @throws {TemplateFault} when the value is undefined */
export function sliceOf(value: Value, bounds: Bounds): Value {
  if (value instanceof Undefined) throw undefinedUse(value)
  if (value instanceof Markup) throw notHandled('a slice of text marked as safe')
  if (typeof value === 'string') return sliced(codePoints(value), bounds).join('')
  if (value instanceof List) return new List(sliced(value.items, bounds))
  if (value instanceof Tuple) return new Tuple(sliced(value.items, bounds))
  if (value instanceof Range) throw notHandled('a slice of a range')
  throw new TemplateFault(`'${typeName(value)}' object has no slices`)
}

function sliced<T>(items: readonly T[], bounds: Bounds): T[] {
  const given = (value: Value): number | undefined => {
    if (value === null) return undefined
    if (!isInt(value)) throw new TemplateFault(`an index of a slice is an integer or none, not ${typeName(value)}`)
    return Number(intOf(value))
  }
  const step = given(bounds.step) ?? 1
  if (step === 0) throw new TemplateFault('the step of a slice is zero')
  const { length } = items
  const [lowest, highest] = step > 0 ? [0, length] : [-1, length - 1]
  const place = (at: number | undefined, fallback: number): number =>
    at === undefined ? fallback : Math.max(lowest, Math.min(highest, at < 0 ? at + length : at))
  const start = place(given(bounds.start), step > 0 ? lowest : highest)
  const stop = place(given(bounds.stop), step > 0 ? highest : lowest)
  const result: T[] = []
  for (let at = start; step > 0 ? at < stop : at > stop; at += step) result.push(items[at] as T)
  return result
}
