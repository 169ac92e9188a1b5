import { joined, LIST_STEPS, spend, spendText } from './budget'
import { CallArguments, countOf, textOf } from './callArguments'
import { capitalize, strip } from './characters'
import { codePoints } from './codePoints'
import { rounded, toFloat, toInteger, toJson } from './conversionFilters'
import { notHandled, TemplateFault } from './fault'
import { onlyAttribute, undefinedUse } from './lookup'
import { calculate } from './numbers'
import { lessThan } from './ordering'
import { dictSort, extreme, getter, groupBy, sorted, uniqueOf } from './orderingFilters'
import { percentFormat } from './percentFormat'
import { str } from './printing'
import { batches, firstOf, lastOf, pairsOf, slices } from './sequenceFilters'
import { runTest } from './tests'
import { escaped, indented, soft, titled, truncated } from './textFilters'
import { replace, textMethod } from './textMethods'
import {
  Dict,
  Iter,
  isInt,
  isNumber,
  isTrue,
  itemsOf,
  iterate,
  type Keywords,
  List,
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
    return joined(
      itemsOf(value).map((item) => str(get(item))),
      str(args.value('d', ''))
    )
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
  wordcount: filter([], (value) => {
    const text = soft(value)
    spend(text.length)
    return BigInt(text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0)
  })
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
  spend(LIST_STEPS)
  if (typeof value === 'string') spendText(value.length)
  const result = filtered(name, value, args, keywords)
  if (typeof result === 'string') spendText(result.length)
  return result
}

function filtered(name: string, value: Value, args: readonly Value[], keywords: Keywords): Value {
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

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value)

function withDefault(value: Value, args: CallArguments): Value {
  const replaced = value instanceof Undefined || (isTrue(args.value('boolean', false)) && !isTrue(value))
  return replaced ? args.value('default_value', '') : value
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
