import type { CallArguments } from './callArguments'
import { TemplateFault } from './fault'
import { itemOf, undefinedUse } from './lookup'
import { equal, lessThan } from './ordering'
import { Dict, hashOf, isTrue, itemsOf, iterate, List, rest, Tuple, Undefined, type Value } from './values'

/** What `attribute=` reads of an item: a path with dots, of which whole numbers are indexes. */
export function getter(attribute: Value | undefined, fallback?: Value): (item: Value) => Value {
  if (attribute === undefined || attribute === null) return (item) => item
  const parts: Value[] =
    typeof attribute === 'string'
      ? attribute.split('.').map((part) => (/^\d+$/.test(part) ? BigInt(part) : part))
      : [attribute]
  const hasFallback = fallback !== undefined && fallback !== null
  return (item) =>
    parts.reduce((value, part) => {
      const found = itemOf(value, part)
      return hasFallback && found instanceof Undefined ? fallback : found
    }, item)
}

const folded = (value: Value): Value => (typeof value === 'string' ? value.toLowerCase() : value)

/** What items are ordered by. */
function keyOf(args: CallArguments): (item: Value) => Value {
  const get = getter(args.get('attribute'), args.get('default'))
  return isTrue(args.value('case_sensitive', false)) ? get : (item) => folded(get(item))
}

/** Python's sort: stable, in reverse too. */
function ordered<T>(items: readonly T[], key: (item: T) => Value, reverse: boolean): T[] {
  const keyed = items.map((item) => ({ item, key: key(item) }))
  const before = (a: Value, b: Value): boolean => (reverse ? lessThan(b, a) : lessThan(a, b))
  keyed.sort((a, b) => (before(a.key, b.key) ? -1 : before(b.key, a.key) ? 1 : 0))
  return keyed.map(({ item }) => item)
}

/** `| sort`. */
export function sorted(value: Value, args: CallArguments): Value {
  const attribute = args.value('attribute', null)
  const getters = typeof attribute === 'string' ? attribute.split(',').map((one) => getter(one)) : [getter(attribute)]
  const fold = isTrue(args.value('case_sensitive', false)) ? (item: Value) => item : folded
  const key = (item: Value): Value => new List(getters.map((get) => fold(get(item))))
  return new List(ordered(itemsOf(value), key, isTrue(args.value('reverse', false))))
}

/** `| dictsort`: pairs of key and value in order. */
export function dictSort(value: Value, args: CallArguments): Value {
  if (value instanceof Undefined) throw undefinedUse(value)
  if (!(value instanceof Dict)) throw new TemplateFault('the filter dictsort needs a dictionary')
  const by = args.text('by', 'key')
  if (by !== 'key' && by !== 'value') throw new TemplateFault('dictsort sorts by "key" or "value"')
  const fold = isTrue(args.value('case_sensitive', false)) ? (item: Value) => item : folded
  const at = by === 'key' ? 0 : 1
  const pairs = ordered([...value.entries()], (pair) => fold(pair[at]), isTrue(args.value('reverse', false)))
  return new List(pairs.map((pair) => new Tuple(pair)))
}

/** `| groupby`: items of equal attribute, as named tuples (grouper, list). */
export function groupBy(value: Value, args: CallArguments): Value {
  const key = keyOf(args)
  const get = getter(args.get('attribute'), args.get('default'))
  const groups: { key: Value; items: Value[] }[] = []
  for (const item of ordered(itemsOf(value), key, false)) {
    const own = key(item)
    const last = groups.at(-1)
    if (last !== undefined && equal(last.key, own)) last.items.push(item)
    else groups.push({ key: own, items: [item] })
  }
  return new List(groups.map(({ items }) => new Tuple([get(items[0] as Value), new List(items)], ['grouper', 'list'])))
}

/** `| min` and `| max`: the first item that no other is better than. */
export function extreme(value: Value, args: CallArguments, better: (a: Value, b: Value) => boolean): Value {
  const key = keyOf(args)
  let best: { item: Value; key: Value } | undefined
  for (const item of itemsOf(value)) {
    const own = key(item)
    if (best === undefined || better(own, best.key)) best = { item, key: own }
  }
  return best === undefined ? new Undefined('the sequence is empty') : best.item
}

/** `| unique`: the first of equal items. */
export function* uniqueOf(value: Value, args: CallArguments): Generator<Value> {
  const key = keyOf(args)
  const seen = new Set<string>()
  for (const item of rest(iterate(value))) {
    const hash = hashOf(key(item))
    if (seen.has(hash)) continue
    seen.add(hash)
    yield item
  }
}
