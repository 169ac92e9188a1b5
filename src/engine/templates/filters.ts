import { CallArguments, countOf, textOf } from './callArguments'
import { capitalize, SPACE, splitLines, strip } from './characters'
import { notHandled, TemplateFault } from './fault'
import { percentFormat } from './formatting'
import { jsonText } from './jsonText'
import { itemOf, onlyAttribute, undefinedUse } from './lookup'
import { calculate, parseFloatText, parseInteger, round } from './numbers'
import { str } from './printing'
import { runTest } from './tests'
import { replace, textMethod } from './textMethods'
import {
  codePointCount,
  codePoints,
  Dict,
  DictView,
  equal,
  hashOf,
  Iter,
  isInt,
  isNumber,
  isTrue,
  itemsOf,
  iterate,
  type Keywords,
  List,
  lessThan,
  Markup,
  rest,
  sizeOf,
  Tuple,
  typeName,
  Undefined,
  type Value
} from './values'

/*
 * The filters of Jinja, with `tojson` as transformers defines it.
 */

type Filter = (value: Value, args: CallArguments) => Value

interface Declared {
  readonly takes: readonly string[]
  readonly call: Filter
}

const filter = (takes: readonly string[], call: Filter): Declared => ({ takes, call })

const FILTERS: Readonly<Record<string, Declared>> = {
  abs: filter([], (value) => {
    if (!isNumber(value)) throw new TemplateFault(`${typeName(value)} has no absolute value`)
    return isInt(value) ? magnitude(BigInt(value)) : Math.abs(value)
  }),
  attr: filter(['name!'], (value, args) => onlyAttribute(value, args.text('name', ''))),
  batch: filter(['linecount!', 'fill_with'], (value, args) => new Iter(batches(value, args))),
  capitalize: filter([], (value) => capitalize(soft(value))),
  center: filter(['width'], (value, args) =>
    textMethod(soft(value), 'center')!.call([BigInt(args.count('width', 80))], NO_KEYWORDS)
  ),
  default: filter(['default_value', 'boolean'], withDefault),
  dictsort: filter(['case_sensitive', 'by', 'reverse'], dictSort),
  escape: filter([], (value) => (value instanceof Markup ? value : new Markup(escaped(str(value))))),
  first: filter([], (value) => firstOf(iterate(value), 'the sequence has no first item')),
  float: filter(['default'], (value, args) => {
    if (value instanceof Undefined) throw undefinedUse(value)
    return toFloat(value) ?? args.value('default', 0)
  }),
  groupby: filter(['attribute!', 'default', 'case_sensitive'], groupBy),
  indent: filter(['width', 'first', 'blank'], indented),
  int: filter(['default', 'base'], (value, args) => {
    if (value instanceof Undefined) throw undefinedUse(value)
    return toInteger(value, args.count('base', 10)) ?? args.value('default', 0n)
  }),
  items: filter([], (value) => new Iter(pairsOf(value))),
  join: filter(['d', 'attribute'], (value, args) => {
    const get = getter(args.get('attribute'))
    return itemsOf(value)
      .map((item) => str(get(item)))
      .join(str(args.value('d', '')))
  }),
  last: filter([], lastOf),
  length: filter([], (value) => {
    const size = sizeOf(value)
    if (size === undefined) throw new TemplateFault(`${typeName(value)} has no length`)
    return BigInt(size)
  }),
  list: filter([], (value) => new List([...itemsOf(value)])),
  lower: filter([], (value) => soft(value).toLowerCase()),
  max: filter(['case_sensitive', 'attribute'], (value, args) => extreme(value, args, (a, b) => lessThan(b, a))),
  min: filter(['case_sensitive', 'attribute'], (value, args) => extreme(value, args, lessThan)),
  replace: filter(['old!', 'new!', 'count'], (value, args) => {
    const count = args.value('count', null)
    const most = count === null ? -1 : countOf(count, 'argument count of replace')
    return replace(str(value), str(args.get('old') as Value), str(args.get('new') as Value), most)
  }),
  reverse: filter([], (value) => {
    if (typeof value === 'string') return codePoints(value).toReversed().join('')
    const items = itemsOf(value).toReversed()
    return value instanceof Iter ? new List(items) : new Iter(items)
  }),
  round: filter(['precision', 'method'], rounded),
  safe: filter([], (value) => new Markup(str(value))),
  slice: filter(['slices!', 'fill_with'], (value, args) => new Iter(slices(value, args))),
  sort: filter(['reverse', 'case_sensitive', 'attribute'], sorted),
  string: filter([], (value) => (value instanceof Markup ? value : str(value))),
  sum: filter(['attribute', 'start'], (value, args) => {
    const get = getter(args.get('attribute'))
    const start = args.value('start', 0n)
    if (typeof start === 'string') throw new TemplateFault('the filter sum adds no texts; use join')
    return itemsOf(value).reduce<Value>((total, item) => calculate('+', total, get(item)), start)
  }),
  title: filter([], (value) => titled(soft(value))),
  tojson: filter(['ensure_ascii', 'indent', 'separators', 'sort_keys'], toJson),
  trim: filter(['chars'], (value, args) => {
    const characters = args.value('chars', null)
    return strip(soft(value), 'both', characters === null ? undefined : textOf(characters, 'argument chars of trim'))
  }),
  truncate: filter(['length', 'killwords', 'end', 'leeway'], truncated),
  unique: filter(['case_sensitive', 'attribute'], (value, args) => new Iter(uniqueOf(value, args))),
  upper: filter([], (value) => soft(value).toUpperCase()),
  wordcount: filter([], (value) => BigInt(soft(value).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0))
}

const ALIASES: Readonly<Record<string, string>> = { count: 'length', d: 'default', e: 'escape' }

/** Filters of Jinja that chats have no use for. */
const OTHERS = [
  'filesizeformat',
  'forceescape',
  'pprint',
  'random',
  'striptags',
  'urlencode',
  'urlize',
  'wordwrap',
  'xmlattr'
]

const NO_KEYWORDS: Keywords = new Map()

/** `value | name(args)`. @throws {TemplateFault} when there is no such filter, or it cannot be applied */
export function applyFilter(name: string, value: Value, args: readonly Value[], keywords: Keywords): Value {
  switch (name) {
    case 'map':
      return new Iter(mapped(value, args, keywords))
    case 'select':
      return new Iter(selected(value, args, keywords, { wanted: true, byAttribute: false }))
    case 'reject':
      return new Iter(selected(value, args, keywords, { wanted: false, byAttribute: false }))
    case 'selectattr':
      return new Iter(selected(value, args, keywords, { wanted: true, byAttribute: true }))
    case 'rejectattr':
      return new Iter(selected(value, args, keywords, { wanted: false, byAttribute: true }))
    case 'format':
      if (args.length > 0 && keywords.size > 0) throw new TemplateFault('format takes values or names, not both')
      return percentFormat(soft(value), keywords.size > 0 ? new Dict(keywords) : new Tuple(args))
    default: {
      if (OTHERS.includes(name)) throw notHandled(`the filter ${name}`)
      const known = Object.hasOwn(ALIASES, name) ? (ALIASES[name] as string) : name
      const declared = Object.hasOwn(FILTERS, known) ? FILTERS[known] : undefined
      if (declared === undefined) throw new TemplateFault(`there is no filter ${name}`)
      return declared.call(value, new CallArguments(`the filter ${name}`, declared.takes, args, keywords))
    }
  }
}

/** The text that a filter of texts works on. */
function soft(value: Value): string {
  if (value instanceof Markup) throw notHandled('a filter of text marked as safe')
  return str(value)
}

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value)

const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('>', '&gt;')
    .replaceAll('<', '&lt;')
    .replaceAll("'", '&#39;')
    .replaceAll('"', '&#34;')

function withDefault(value: Value, args: CallArguments): Value {
  const replaced = value instanceof Undefined || (isTrue(args.value('boolean', false)) && !isTrue(value))
  return replaced ? args.value('default_value', '') : value
}

function firstOf(iterator: Iterator<Value>, reason: string): Value {
  const { done, value } = iterator.next()
  return done === true ? new Undefined(reason) : value
}

function lastOf(value: Value): Value {
  if (value instanceof Iter) throw new TemplateFault('a generator has no last item; add | list')
  const items = itemsOf(value)
  return items.length === 0 ? new Undefined('the sequence has no last item') : (items.at(-1) as Value)
}

/** What `attribute=` reads of an item: a path with dots, of which whole numbers are indexes. */
function getter(attribute: Value | undefined, fallback?: Value): (item: Value) => Value {
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

function sorted(value: Value, args: CallArguments): Value {
  const attribute = args.value('attribute', null)
  const getters = typeof attribute === 'string' ? attribute.split(',').map((one) => getter(one)) : [getter(attribute)]
  const fold = isTrue(args.value('case_sensitive', false)) ? (item: Value) => item : folded
  const key = (item: Value): Value => new List(getters.map((get) => fold(get(item))))
  return new List(ordered(itemsOf(value), key, isTrue(args.value('reverse', false))))
}

function dictSort(value: Value, args: CallArguments): Value {
  if (value instanceof Undefined) throw undefinedUse(value)
  if (!(value instanceof Dict)) throw new TemplateFault('the filter dictsort needs a dictionary')
  const by = args.text('by', 'key')
  if (by !== 'key' && by !== 'value') throw new TemplateFault('dictsort sorts by "key" or "value"')
  const fold = isTrue(args.value('case_sensitive', false)) ? (item: Value) => item : folded
  const at = by === 'key' ? 0 : 1
  const pairs = ordered([...value.entries()], (pair) => fold(pair[at]), isTrue(args.value('reverse', false)))
  return new List(pairs.map((pair) => new Tuple(pair)))
}

function groupBy(value: Value, args: CallArguments): Value {
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

function extreme(value: Value, args: CallArguments, better: (a: Value, b: Value) => boolean): Value {
  const key = keyOf(args)
  let best: { item: Value; key: Value } | undefined
  for (const item of itemsOf(value)) {
    const own = key(item)
    if (best === undefined || better(own, best.key)) best = { item, key: own }
  }
  return best === undefined ? new Undefined('the sequence is empty') : best.item
}

function* uniqueOf(value: Value, args: CallArguments): Generator<Value> {
  const key = keyOf(args)
  const seen = new Set<string>()
  for (const item of rest(iterate(value))) {
    const hash = hashOf(key(item))
    if (seen.has(hash)) continue
    seen.add(hash)
    yield item
  }
}

function* batches(value: Value, args: CallArguments): Generator<Value> {
  const size = args.count('linecount', 0)
  const fill = args.value('fill_with', null)
  let batch: Value[] = []
  for (const item of rest(iterate(value))) {
    if (batch.length === size) {
      yield new List(batch)
      batch = []
    }
    batch.push(item)
  }
  if (batch.length === 0) return
  const missing = fill === null ? 0 : Math.max(0, size - batch.length)
  yield new List([...batch, ...Array.from({ length: missing }, () => fill)])
}

function* slices(value: Value, args: CallArguments): Generator<Value> {
  const items = itemsOf(value)
  const count = args.count('slices', 0)
  const fill = args.value('fill_with', null)
  if (count === 0) throw new TemplateFault('division by zero')
  const [size, extra] = [Math.floor(items.length / count), items.length % count]
  let from = 0
  for (let i = 0; i < count; i++) {
    const end = from + size + (i < extra ? 1 : 0)
    const part = items.slice(from, end)
    yield new List(fill !== null && i >= extra ? [...part, fill] : part)
    from = end
  }
}

/** Fails when it is read, as Python's generator does. */
function* pairsOf(value: Value): Generator<Value> {
  if (value instanceof Undefined) return
  if (!(value instanceof Dict)) throw new TemplateFault('the filter items needs a dictionary')
  yield* new DictView(value, 'items').items
}

function* mapped(value: Value, args: readonly Value[], keywords: Keywords): Generator<Value> {
  if (!isTrue(value)) return
  const call = mapping(args, keywords)
  for (const item of rest(iterate(value))) yield call(item)
}

function mapping(args: readonly Value[], keywords: Keywords): (item: Value) => Value {
  if (args.length === 0 && keywords.has('attribute')) {
    const given = new CallArguments('the filter map', ['attribute', 'default'], [], keywords)
    return getter(given.get('attribute'), given.get('default'))
  }
  const [name, ...others] = args
  if (name === undefined) throw new TemplateFault('the filter map needs the name of a filter, or attribute=')
  const text = textOf(name, 'the filter that map applies')
  return (item) => applyFilter(text, item, others, keywords)
}

function* selected(
  value: Value,
  args: readonly Value[],
  keywords: Keywords,
  { wanted, byAttribute }: { readonly wanted: boolean; readonly byAttribute: boolean }
): Generator<Value> {
  if (!isTrue(value)) return
  const [attribute, ...behind] = byAttribute ? args : [null, ...args]
  if (attribute === undefined) throw new TemplateFault('the name of the attribute is missing')
  const get = getter(attribute)
  const [name, ...others] = behind
  const holds = (item: Value): boolean =>
    name === undefined ? isTrue(item) : runTest(textOf(name, 'the name of a test'), item, others, keywords)
  for (const item of rest(iterate(value))) if (holds(get(item)) === wanted) yield item
}

function indented(value: Value, args: CallArguments): Value {
  if (typeof value !== 'string') throw new TemplateFault(`the filter indent needs a text, not ${typeName(value)}`)
  const width = args.value('width', 4n)
  const indention =
    typeof width === 'string' ? width : ' '.repeat(Math.max(0, countOf(width, 'argument width of indent')))
  const lines = splitLines(`${value}\n`)
  const blank = isTrue(args.value('blank', false))
  const [head = '', ...tail] = lines
  const body = [head, ...tail.map((line) => (line !== '' || blank ? indention + line : line))].join('\n')
  return isTrue(args.value('first', false)) ? indention + body : body
}

const WORD_BEGINNINGS = new RegExp(`([-${SPACE}({\\[<]+)`)

const titled = (text: string): string =>
  text
    .split(WORD_BEGINNINGS)
    .map((part) => {
      const [head = ''] = part
      return head.toUpperCase() + part.slice(head.length).toLowerCase()
    })
    .join('')

function truncated(value: Value, args: CallArguments): Value {
  const end = args.text('end', '...')
  const [length, leeway] = [args.count('length', 255), args.get('leeway') === null ? 5 : args.count('leeway', 5)]
  if (length < codePointCount(end) || leeway < 0) throw new TemplateFault('truncate needs a length of at least its end')
  const size = sizeOf(value)
  if (size === undefined) throw new TemplateFault(`${typeName(value)} has no length`)
  if (size <= length + leeway) return value
  const points = codePoints(textOf(value, 'what truncate cuts'))
  const cut = points.slice(0, length - codePointCount(end)).join('')
  if (isTrue(args.value('killwords', false))) return cut + end
  const space = cut.lastIndexOf(' ')
  return (space < 0 ? cut : cut.slice(0, space)) + end
}

function rounded(value: Value, args: CallArguments): Value {
  const [precision, method] = [args.count('precision', 0), args.text('method', 'common')]
  if (method === 'common') return round(value, precision)
  if (method !== 'ceil' && method !== 'floor') throw new TemplateFault('round has the methods common, ceil and floor')
  if (!isNumber(value)) throw new TemplateFault(`${typeName(value)} cannot be rounded`)
  const unit = precision >= 0 ? 10n ** BigInt(precision) : 10 ** precision
  const scaled = Number(calculate('*', value, unit))
  const whole = BigInt(method === 'ceil' ? Math.ceil(scaled) : Math.floor(scaled))
  return calculate('/', whole, unit)
}

/** int(value) of what is no text, or of the text in a base; undefined where Python raises TypeError or ValueError. */
function toInteger(value: Value, base: number): Value | undefined {
  if (isInt(value)) return BigInt(value)
  const whole = typeof value === 'string' ? parseInteger(value, base) : undefined
  if (whole !== undefined) return whole
  const float = toFloat(value)
  return float !== undefined && Number.isFinite(float) ? BigInt(Math.trunc(float)) : undefined
}

function toFloat(value: Value): number | undefined {
  if (typeof value === 'string') return parseFloatText(value)
  if (!isNumber(value)) return undefined
  const float = Number(value)
  if (isInt(value) && !Number.isFinite(float)) throw new TemplateFault('the integer is too large for a float')
  return float
}

function toJson(value: Value, args: CallArguments): Value {
  const indent = args.value('indent', null)
  const separators = args.value('separators', null)
  const given = separators === null ? undefined : itemsOf(separators).map((one) => textOf(one, 'a separator of tojson'))
  if (given !== undefined && given.length !== 2) throw new TemplateFault('tojson takes two separators')
  return jsonText(value, {
    ensureAscii: isTrue(args.value('ensure_ascii', false)),
    indent:
      indent === null
        ? undefined
        : typeof indent === 'string'
          ? indent
          : ' '.repeat(Math.max(0, countOf(indent, 'argument indent of tojson'))),
    separators: (given as [string, string] | undefined) ?? [indent === null ? ', ' : ',', ': '],
    sortKeys: isTrue(args.value('sort_keys', false))
  })
}
