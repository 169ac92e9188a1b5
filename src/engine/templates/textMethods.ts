import { joined, spend, spendText } from './budget'
import { CallArguments, countOf, textOf } from './callArguments'
import { capitalize, PREDICATES, SPACE, splitLines, strip, swapCase, titleCase } from './characters'
import { codePointCount, codePoints } from './codePoints'
import { notHandled, TemplateFault } from './fault'
import { Callable, itemsOf, type Keywords, List, Tuple, type Value } from './values'

/*
 * The methods of Python's str.
 */

type Method = (text: string, args: readonly Value[], keywords: Keywords, name: string) => Value

/** A method with parameters; those that must be given end in `!`. */
const method =
  (parameters: readonly string[], call: (text: string, args: CallArguments) => Value): Method =>
  (text, args, keywords, name) =>
    call(text, new CallArguments(name, parameters, args, keywords))

const plain = (call: (text: string) => Value): Method => method([], call)

const METHODS: Readonly<Record<string, Method>> = {
  ...Object.fromEntries(Object.entries(PREDICATES).map(([name, holds]) => [name, plain(holds)])),
  capitalize: plain(capitalize),
  casefold: plain((text) => {
    if (!/^[\0-\x7f]*$/.test(text)) throw notHandled('casefold of text beyond ASCII')
    return text.toLowerCase()
  }),
  lower: plain((text) => text.toLowerCase()),
  swapcase: plain(swapCase),
  title: plain(titleCase),
  upper: plain((text) => text.toUpperCase()),
  strip: stripping('both'),
  lstrip: stripping('left'),
  rstrip: stripping('right'),
  split: method(['sep', 'maxsplit'], (text, args) => split(text, args)),
  rsplit: method(['sep', 'maxsplit'], (text, args) => rightSplit(text, args)),
  splitlines: method(['keepends'], (text, args) => listOf(splitLines(text, args.count('keepends', 0) !== 0))),
  partition: method(['sep!'], (text, args) => partition(text, separatorOf(args), 'left')),
  rpartition: method(['sep!'], (text, args) => partition(text, separatorOf(args), 'right')),
  replace: method(['old!', 'new!', 'count'], (text, args) =>
    replace(text, args.text('old', ''), args.text('new', ''), args.count('count', -1))
  ),
  removeprefix: method(['prefix!'], (text, args) => {
    const prefix = args.text('prefix', '')
    return text.startsWith(prefix) ? text.slice(prefix.length) : text
  }),
  removesuffix: method(['suffix!'], (text, args) => {
    const suffix = args.text('suffix', '')
    return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text
  }),
  startswith: method(['prefix!', 'start', 'end'], (text, args) =>
    affixes(args, 'prefix').some((prefix) => within(text, args)?.startsWith(prefix))
  ),
  endswith: method(['suffix!', 'start', 'end'], (text, args) =>
    affixes(args, 'suffix').some((suffix) => within(text, args)?.endsWith(suffix))
  ),
  find: method(['sub!', 'start', 'end'], (text, args) => BigInt(position(text, args, 'first'))),
  rfind: method(['sub!', 'start', 'end'], (text, args) => BigInt(position(text, args, 'last'))),
  index: method(['sub!', 'start', 'end'], (text, args) => existing(position(text, args, 'first'))),
  rindex: method(['sub!', 'start', 'end'], (text, args) => existing(position(text, args, 'last'))),
  count: method(['sub!', 'start', 'end'], (text, args) => {
    const inside = within(text, args)
    const part = args.text('sub', '')
    if (inside === undefined) return 0n
    return BigInt(part === '' ? codePointCount(inside) + 1 : inside.split(part).length - 1)
  }),
  join: method(['iterable!'], (text, args) =>
    joined(
      itemsOf(args.get('iterable') as Value).map((item, i) => textOf(item, `item ${i} of what join is given`)),
      text
    )
  ),
  center: method(['width!', 'fillchar'], (text, args) => {
    const width = args.count('width', 0)
    const missing = Math.max(0, width - codePointCount(text))
    const left = Math.floor(missing / 2) + (missing & width & 1)
    return fill(args).repeat(left) + text + fill(args).repeat(missing - left)
  }),
  ljust: method(['width!', 'fillchar'], (text, args) => text + padding(text, args)),
  rjust: method(['width!', 'fillchar'], (text, args) => padding(text, args) + text),
  zfill: method(['width!'], (text, args) => {
    const sign = /^[+-]/.exec(text)?.[0] ?? ''
    return sign + '0'.repeat(Math.max(0, args.count('width', 0) - codePointCount(text))) + text.slice(sign.length)
  }),
  expandtabs: method(['tabsize'], (text, args) => expandTabs(text, args.count('tabsize', 8)))
}

/** Methods that Python has and Quail has not. */
const OTHERS = ['encode', 'isnumeric', 'maketrans', 'translate']

/** The method of a text by its name; undefined when str has none of it. `format`, which looks up attributes, is the evaluator's. */
export function textMethod(text: string, name: string): Callable | undefined {
  if (OTHERS.includes(name)) throw notHandled(`the method ${name} of texts`)
  const found = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined
  return (
    found &&
    new Callable(name, (args, keywords) => {
      spendText(text.length)
      return found(text, args, keywords, name)
    })
  )
}

export const listOf = (items: readonly string[]): List => new List(items)

function stripping(side: 'both' | 'left' | 'right'): Method {
  return method(['chars'], (text, args) => {
    const characters = args.get('chars') ?? null
    return strip(text, side, characters === null ? undefined : textOf(characters, `argument chars of ${args.callee}`))
  })
}

/** The separator of split; undefined where white space separates. */
function givenSeparator(args: CallArguments): string | undefined {
  const given = args.get('sep') ?? null
  return given === null ? undefined : separatorOf(args)
}

function separatorOf(args: CallArguments): string {
  const separator = args.text('sep', '')
  if (separator === '') throw new TemplateFault('the separator is empty')
  return separator
}

function split(text: string, args: CallArguments): List {
  spend(text.length)
  const separator = givenSeparator(args)
  const most = limitOf(args)
  if (separator !== undefined) {
    const parts = text.split(separator)
    const kept = parts.slice(0, most)
    return listOf(parts.length > most ? [...kept, parts.slice(most).join(separator)] : parts)
  }
  const parts: string[] = []
  let rest = strip(text, 'left')
  while (rest !== '') {
    const end = parts.length < most ? rest.search(SPACES) : -1
    if (end < 0) {
      parts.push(rest)
      break
    }
    parts.push(rest.slice(0, end))
    rest = strip(rest.slice(end), 'left')
  }
  return listOf(parts)
}

const SPACES = new RegExp(`[${SPACE}]`)

function rightSplit(text: string, args: CallArguments): List {
  spend(text.length)
  const separator = givenSeparator(args)
  const most = limitOf(args)
  if (separator !== undefined) return listOf(splitFromRight(text, separator, most))
  const parts: string[] = []
  let rest = strip(text, 'right')
  const lastSpace = new RegExp(`[${SPACE}][^${SPACE}]*$`)
  while (rest !== '') {
    spendText(rest.length)
    const at = parts.length < most ? rest.search(lastSpace) : -1
    if (at < 0) {
      parts.push(rest)
      break
    }
    parts.push(rest.slice(at + 1))
    rest = strip(rest.slice(0, at), 'right')
  }
  return listOf(parts.reverse())
}

/** Overlapping separators are found from the right: 'aaa'.rsplit('aa') cuts behind the first a. */
function splitFromRight(text: string, separator: string, most: number): string[] {
  const parts: string[] = []
  let end = text.length
  for (let at: number; parts.length < most; end = at) {
    at = end < separator.length ? -1 : text.lastIndexOf(separator, end - separator.length)
    if (at < 0) break
    parts.push(text.slice(at + separator.length, end))
  }
  return [...parts, text.slice(0, end)].reverse()
}

function limitOf(args: CallArguments): number {
  const most = args.count('maxsplit', -1)
  return most < 0 ? Number.POSITIVE_INFINITY : most
}

function partition(text: string, separator: string, from: 'left' | 'right'): Tuple {
  const at = from === 'left' ? text.indexOf(separator) : text.lastIndexOf(separator)
  if (at < 0) return new Tuple(from === 'left' ? [text, '', ''] : ['', '', text])
  return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)])
}

/** str.replace(old, new, count); a negative count replaces all. */
export function replace(text: string, old: string, by: string, count = -1): string {
  const most = count < 0 ? Number.POSITIVE_INFINITY : count
  spend(text.length / 4)
  if (old === '') {
    const points = codePoints(text)
    const places = Math.min(most, points.length + 1)
    return joined(Array.from({ length: points.length + 1 }, (_, i) => (i < places ? by : '') + (points[i] ?? '')))
  }
  const parts = text.split(old)
  if (parts.length - 1 <= most) return joined(parts, by)
  return joined(parts.slice(0, most + 1), by) + old + joined(parts.slice(most + 1), old)
}

function affixes(args: CallArguments, name: string): string[] {
  const given = args.get(name) as Value
  const what = `argument ${name} of ${args.callee}`
  return given instanceof Tuple ? given.items.map((item) => textOf(item, what)) : [textOf(given, what)]
}

/** text[start:end]; undefined where it begins behind the end of the text. */
function within(text: string, args: CallArguments): string | undefined {
  const bounds = boundsOf(text, args)
  if (bounds === undefined) return undefined
  return bounds.whole ? text : codePoints(text).slice(bounds.start, bounds.end).join('')
}

function boundsOf(text: string, args: CallArguments) {
  const bound = (name: string): number | undefined => {
    const value = args.get(name) ?? null
    return value === null ? undefined : countOf(value, `argument ${name} of ${args.callee}`)
  }
  const [start, end] = [bound('start'), bound('end')]
  if (start === undefined && end === undefined) return { whole: true, start: 0, end: 0 }
  const length = codePointCount(text)
  const place = (at: number): number => Math.max(0, Math.min(at < 0 ? at + length : at, length))
  if ((start ?? 0) > length) return undefined
  const from = place(start ?? 0)
  const to = place(end ?? length)
  return from > to ? undefined : { whole: false, start: from, end: to }
}

function position(text: string, args: CallArguments, which: 'first' | 'last'): number {
  const bounds = boundsOf(text, args)
  const inside = within(text, args)
  const part = args.text('sub', '')
  if (bounds === undefined || inside === undefined) return -1
  const at = which === 'first' ? inside.indexOf(part) : inside.lastIndexOf(part)
  return at < 0 ? -1 : codePointCount(inside.slice(0, at)) + bounds.start
}

function existing(at: number): bigint {
  if (at < 0) throw new TemplateFault('substring not found')
  return BigInt(at)
}

function fill(args: CallArguments): string {
  const character = args.text('fillchar', ' ')
  if (codePointCount(character) !== 1) throw new TemplateFault('the fill character must be exactly one character long')
  return character
}

const padding = (text: string, args: CallArguments): string =>
  fill(args).repeat(Math.max(0, args.count('width', 0) - codePointCount(text)))

function expandTabs(text: string, size: number): string {
  let column = 0
  let result = ''
  for (const character of text) {
    if (character === '\t') {
      const spaces = size > 0 ? size - (column % size) : 0
      result += ' '.repeat(spaces)
      column += spaces
    } else {
      result += character
      column = character === '\n' || character === '\r' ? 0 : column + 1
    }
  }
  return result
}
