import { TemplateFault } from './fault'

/*
 * Python's values as a template meets them. None, bool, int, float and str are null, boolean, bigint, number and string:
 * every int is a bigint, every number a float, so that 20 and 20.0 stay apart and no integer is rounded.
 */

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Undefined
  | Markup
  | List
  | Tuple
  | Dict
  | Range
  | DictView
  | Iter
  | Callable
  | Namespace
  | Attributed

/** What a name stands for that nobody defined; printing it writes nothing, using it fails. */
export class Undefined {
  constructor(readonly reason: string) {}
}

/** Text marked as safe, or escaped. */
export class Markup {
  constructor(readonly text: string) {}
}

export class List {
  constructor(readonly items: readonly Value[]) {}
}

export class Tuple {
  constructor(
    readonly items: readonly Value[],
    /** Names of the items, as a named tuple has them. */
    readonly names: readonly string[] = []
  ) {}
}

export class Range {
  readonly length: number
  constructor(
    readonly start: bigint,
    readonly stop: bigint,
    readonly step: bigint
  ) {
    const span = step > 0n ? stop - start : start - stop
    const size = step > 0n ? step : -step
    this.length = span <= 0n ? 0 : Number((span + size - 1n) / size)
  }

  at(index: number): bigint {
    return this.start + BigInt(index) * this.step
  }
}

/** A dictionary in the order of insertion; equal keys are one key, whatever their types (1, 1.0 and True). */
export class Dict {
  readonly #entries = new Map<string, readonly [Value, Value]>()

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.set(key, value)
  }

  get size(): number {
    return this.#entries.size
  }

  set(key: Value, value: Value): void {
    const hash = hashOf(key)
    this.#entries.set(hash, [this.#entries.get(hash)?.[0] ?? key, value])
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(hashOf(key))?.[1]
  }

  entries(): Iterable<readonly [Value, Value]> {
    return this.#entries.values()
  }

  *keys(): Generator<Value> {
    for (const [key] of this.#entries.values()) yield key
  }

  *values(): Generator<Value> {
    for (const [, value] of this.#entries.values()) yield value
  }
}

/** `dict.keys()`, `.values()` or `.items()`. */
export class DictView {
  constructor(
    readonly dict: Dict,
    readonly of: 'keys' | 'values' | 'items'
  ) {}

  get items(): Value[] {
    if (this.of === 'items') return Array.from(this.dict.entries(), (pair) => new Tuple(pair))
    return [...(this.of === 'keys' ? this.dict.keys() : this.dict.values())]
  }
}

/** An iterator that is used up by reading it: what `map`, `select` and their like give. */
export class Iter {
  readonly iterator: Iterator<Value>
  constructor(items: Iterable<Value>) {
    this.iterator = items[Symbol.iterator]()
  }
}

export type Keywords = ReadonlyMap<string, Value>

/** A function, method or macro. */
export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: readonly Value[], keywords: Keywords) => Value
  ) {}
}

/** `namespace(…)`: attributes that a template may set. */
export class Namespace {
  constructor(readonly attributes: Dict) {}
}

/** An object of Jinja's own with attributes that are computed: `loop`. */
export abstract class Attributed {
  abstract readonly typeName: string
  abstract attribute(name: string): Value | undefined
  /** Where the object itself can be called. */
  call?(args: readonly Value[], keywords: Keywords): Value
}

export const isInt = (value: Value): value is bigint | boolean =>
  typeof value === 'bigint' || typeof value === 'boolean'
export const isNumber = (value: Value): value is bigint | boolean | number => isInt(value) || typeof value === 'number'

/** An int or bool as an integer. */
export const intOf = (value: bigint | boolean): bigint => BigInt(value)

/** The name of the value's class in Python. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'bigint') return 'int'
  if (typeof value === 'number') return 'float'
  if (typeof value === 'string') return 'str'
  if (value instanceof Attributed) return value.typeName
  const names: readonly (readonly [new (...args: never[]) => object, string])[] = [
    [Undefined, 'Undefined'],
    [Markup, 'Markup'],
    [List, 'list'],
    [Tuple, 'tuple'],
    [Dict, 'dict'],
    [Range, 'range'],
    [Iter, 'generator'],
    [Callable, 'function'],
    [Namespace, 'Namespace']
  ]
  return names.find(([type]) => value instanceof type)?.[1] ?? `dict_${(value as DictView).of}`
}

export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false
  if (typeof value === 'bigint') return value !== 0n
  if (typeof value === 'number') return value !== 0
  if (typeof value === 'boolean' || typeof value === 'string') return Boolean(value)
  return sizeOf(value) !== 0
}

/** len(value); undefined where Python has none. */
export function sizeOf(value: Value): number | undefined {
  if (typeof value === 'string') return codePointCount(value)
  if (value instanceof Undefined) return 0
  if (value instanceof Markup) return codePointCount(value.text)
  if (value instanceof List || value instanceof Tuple) return value.items.length
  if (value instanceof Dict) return value.size
  if (value instanceof DictView) return value.dict.size
  if (value instanceof Range) return value.length
  if (value instanceof Attributed) {
    const length = value.attribute('length')
    return typeof length === 'bigint' ? Number(length) : undefined
  }
  return undefined
}

/** iter(value). @throws {TemplateFault} when it cannot be iterated */
export function iterate(value: Value): Iterator<Value> {
  if (value instanceof Iter) return value.iterator
  return itemsOf(value)[Symbol.iterator]()
}

/** Whether iter(value) works. */
export const isIterable = (value: Value): boolean =>
  typeof value === 'string' ||
  [Undefined, Markup, List, Tuple, Dict, DictView, Range, Iter].some((type) => value instanceof type)

/** All that iter(value) gives. @throws {TemplateFault} when it cannot be iterated */
export function itemsOf(value: Value): readonly Value[] {
  if (typeof value === 'string') return [...value]
  if (value instanceof List || value instanceof Tuple || value instanceof DictView) return value.items
  if (value instanceof Dict) return [...value.keys()]
  if (value instanceof Undefined) return []
  if (value instanceof Range) return Array.from({ length: value.length }, (_, i) => value.at(i))
  if (value instanceof Markup) return [...value.text].map((character) => new Markup(character))
  if (value instanceof Iter) return [...rest(value.iterator)]
  throw new TemplateFault(`'${typeName(value)}' object is not iterable`)
}

/** What is left of an iterator. */
export function* rest(iterator: Iterator<Value>): Generator<Value> {
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) yield next.value
}

/** a == b. */
export function equal(a: Value, b: Value): boolean {
  if (isNumber(a) && isNumber(b)) return a <= b && a >= b // exact, also of an int and a float
  if (a instanceof Markup || b instanceof Markup) return plain(a) === plain(b)
  if (a instanceof List && b instanceof List) return sameItems(a.items, b.items)
  if (a instanceof Tuple && b instanceof Tuple) return sameItems(a.items, b.items)
  if (a instanceof Undefined && b instanceof Undefined) return true
  if (a instanceof Dict && b instanceof Dict) {
    return a.size === b.size && Array.from(a.entries()).every(([key, value]) => equalIn(b.get(key), value))
  }
  if (a instanceof Range && b instanceof Range) return sameItems(itemsOf(a), itemsOf(b))
  if (a instanceof DictView && b instanceof DictView) return equalViews(a, b)
  return a === b
}

const plain = (value: Value): Value => (value instanceof Markup ? value.text : value)

const equalIn = (found: Value | undefined, value: Value): boolean => found !== undefined && equal(found, value)

const sameItems = (a: readonly Value[], b: readonly Value[]): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i] || equal(item, b[i] as Value))

const equalViews = (a: DictView, b: DictView): boolean =>
  a === b ||
  (a.of !== 'values' &&
    b.of === a.of &&
    a.dict.size === b.dict.size &&
    a.items.every((item) => b.items.some((other) => equal(item, other))))

/** a < b. @throws {TemplateFault} where Python cannot order the two */
export function lessThan(a: Value, b: Value): boolean {
  if (isNumber(a) && isNumber(b)) return a < b
  const [left, right] = [plain(a), plain(b)]
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right) < 0
  if ((a instanceof List && b instanceof List) || (a instanceof Tuple && b instanceof Tuple)) {
    const at = a.items.findIndex((item, i) => i >= b.items.length || !equal(item, b.items[i] as Value))
    if (at < 0) return a.items.length < b.items.length
    return at < b.items.length && lessThan(a.items[at] as Value, b.items[at] as Value)
  }
  throw new TemplateFault(`${typeName(a)} and ${typeName(b)} have no order`)
}

/** The order of code points, in which Python compares; UTF-16 puts the last planes before U+E000. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (left !== right) return planeOrder(left) - planeOrder(right)
  }
  return a.length - b.length
}

/** A UTF-16 unit, those of surrogate pairs behind all others. */
const planeOrder = (unit: number): number => ((unit & 0xf800) === 0xd800 ? unit + 0x10000 : unit)

/** Equal for equal keys, and for no others. @throws {TemplateFault} for what cannot be a key */
export function hashOf(value: Value): string {
  if (typeof value === 'string') return `s${value}`
  if (value instanceof Markup) return `s${value.text}`
  if (value === null) return 'none'
  if (isInt(value)) return `i${intOf(value)}`
  if (typeof value === 'number') return Number.isInteger(value) ? `i${BigInt(value)}` : `f${value}`
  if (value instanceof Undefined) return 'undefined'
  if (value instanceof Range)
    return `r${value.length > 0 ? value.start : ''},${value.length > 1 ? value.step : ''},${value.length}`
  if (value instanceof Tuple) {
    const hashes = value.items.map(hashOf)
    return `t${hashes.map((hash) => `${hash.length}:${hash}`).join('')}`
  }
  throw new TemplateFault(`unhashable type: '${typeName(value)}'`)
}

const SURROGATE = /[\ud800-\udfff]/

/** The length of a text as Python counts it. */
export const codePointCount = (text: string): number => (SURROGATE.test(text) ? [...text].length : text.length)

/** Characters as Python indexes them. */
export const codePoints = (text: string): readonly string[] => (SURROGATE.test(text) ? [...text] : text.split(''))
