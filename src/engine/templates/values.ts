import { LIST_STEPS, spend } from './budget'
import { codePointCount } from './codePoints'
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
    spend(1)
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
    spend(LIST_STEPS * this.dict.size)
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
  spend(lengthOf(value))
  if (typeof value === 'string') return [...value]
  if (value instanceof List || value instanceof Tuple || value instanceof DictView) return value.items
  if (value instanceof Dict) return [...value.keys()]
  if (value instanceof Undefined) return []
  if (value instanceof Range) return Array.from({ length: value.length }, (_, i) => value.at(i))
  if (value instanceof Markup) return [...value.text].map((character) => new Markup(character))
  if (value instanceof Iter) return [...rest(value.iterator)]
  throw new TemplateFault(`'${typeName(value)}' object is not iterable`)
}

/** How many items there will be, at most; 0 where they are counted one by one. */
function lengthOf(value: Value): number {
  if (typeof value === 'string') return value.length
  if (value instanceof Markup) return value.text.length
  return value instanceof List || value instanceof Tuple || value instanceof Dict || value instanceof Range
    ? (sizeOf(value) as number)
    : 0
}

/** What is left of an iterator. */
export function* rest(iterator: Iterator<Value>): Generator<Value> {
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
    spend(1)
    yield next.value
  }
}

/** Equal for equal keys, and for no others. @throws {TemplateFault} for what cannot be a key */
export function hashOf(value: Value): string {
  spend(1)
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
