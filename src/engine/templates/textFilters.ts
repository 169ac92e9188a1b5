import { joined, spend } from './budget'
import { type CallArguments, countOf, textOf } from './callArguments'
import { SPACE, splitLines } from './characters'
import { codePointCount, codePoints } from './codePoints'
import { notHandled, TemplateFault } from './fault'
import { str } from './printing'
import { isTrue, Markup, sizeOf, typeName, type Value } from './values'

/** The text that a filter of texts works on. */
export function soft(value: Value): string {
  if (value instanceof Markup) throw notHandled('a filter of text marked as safe')
  return str(value)
}

/** `| escape`, for HTML. */
export const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('>', '&gt;')
    .replaceAll('<', '&lt;')
    .replaceAll("'", '&#39;')
    .replaceAll('"', '&#34;')

/** `| indent`. */
export function indented(value: Value, args: CallArguments): Value {
  if (typeof value !== 'string') throw new TemplateFault(`the filter indent needs a text, not ${typeName(value)}`)
  const width = args.value('width', 4n)
  const indention =
    typeof width === 'string' ? width : ' '.repeat(Math.max(0, countOf(width, 'argument width of indent')))
  const lines = splitLines(`${value}\n`)
  const blank = isTrue(args.value('blank', false))
  const [head = '', ...tail] = lines
  const body = joined([head, ...tail.map((line) => (line !== '' || blank ? indention + line : line))], '\n')
  return isTrue(args.value('first', false)) ? indention + body : body
}

const WORD_BEGINNINGS = new RegExp(`([-${SPACE}({\\[<]+)`)

/** `| title`: a capital at the beginning of each word. */
export function titled(text: string): string {
  spend(text.length)
  return text
    .split(WORD_BEGINNINGS)
    .map((part) => {
      const [head = ''] = part
      return head.toUpperCase() + part.slice(head.length).toLowerCase()
    })
    .join('')
}

/** `| truncate`. */
export function truncated(value: Value, args: CallArguments): Value {
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
