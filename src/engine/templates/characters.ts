import { spend } from './budget'
import { isPrintable } from './printing'

/*
 * What Python's str says of characters, where JavaScript says something else.
 */

/** Characters that str.isspace holds for; JavaScript's \s has U+FEFF and lacks U+001C to U+001F and U+0085. */
export const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'

const LEADING = new RegExp(`^[${SPACE}]+`)
const SPACE_CHARACTER = new RegExp(`[${SPACE}]`)

type Side = 'both' | 'left' | 'right'

/** str.strip(), lstrip() or rstrip(): without white space, or without the characters given. */
export function strip(text: string, side: Side, characters?: string): string {
  if (characters === undefined) {
    const left = side === 'right' ? text : text.replace(LEADING, '')
    // A pattern that ends in $ looks at every inner space, too.
    let end = left.length
    if (side !== 'left') while (end > 0 && SPACE_CHARACTER.test(left[end - 1] as string)) end--
    return left.slice(0, end)
  }
  spend(text.length)
  const set = new Set(characters)
  const points = [...text]
  let begin = 0
  let end = points.length
  if (side !== 'right') while (begin < end && set.has(points[begin] as string)) begin++
  if (side !== 'left') while (end > begin && set.has(points[end - 1] as string)) end--
  return points.slice(begin, end).join('')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: line ends, as Python counts them
const LINE_END = /\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/g

/** str.splitlines(). */
export function splitLines(text: string, keepEnds = false): string[] {
  const lines: string[] = []
  let from = 0
  for (const { 0: end, index } of text.matchAll(LINE_END)) {
    spend(1)
    lines.push(text.slice(from, keepEnds ? index + end.length : index))
    from = index + end.length
  }
  if (from < text.length) lines.push(text.slice(from))
  return lines
}

const CASED = /[\p{Lowercase}\p{Uppercase}\p{Lt}]/u
const UPPER_OR_TITLE = /[\p{Uppercase}\p{Lt}]/u

/** Letters whose capital is neither their upper case nor its first letter: the digraphs of Croatian. */
const DIGRAPHS: Readonly<Record<string, string>> = {
  ...{ Ǆ: 'ǅ', ǅ: 'ǅ', ǆ: 'ǅ', Ǉ: 'ǈ', ǈ: 'ǈ', ǉ: 'ǈ' },
  ...{ Ǌ: 'ǋ', ǋ: 'ǋ', ǌ: 'ǋ', Ǳ: 'ǲ', ǲ: 'ǲ', ǳ: 'ǲ' }
}

/** A character at the beginning of a word: ß becomes Ss, ǆ becomes ǅ. */
function capital(character: string): string {
  const digraph = DIGRAPHS[character]
  if (digraph !== undefined) return digraph
  const upper = [...character.toUpperCase()]
  const code = character.codePointAt(0) as number
  // The letters of modern Georgian have capitals that only whole words in capitals are written with.
  if (code >= 0x10d0 && code <= 0x10ff) return character
  if (upper.length === 1) return upper[0] as string
  // Greek letters with an iota below have a capital of one character; it is their own upper-case partner.
  if (code >= 0x1f80 && code <= 0x1faf) return String.fromCodePoint(code | 8)
  if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCodePoint(code + 9)
  if (code === 0x1fbc || code === 0x1fcc || code === 0x1ffc) return character
  if (upper.at(-1) === 'Ι' && code >= 0x1fb2 && code <= 0x1ff7) return `${upper.slice(0, -1).join('')}\u0345`
  // Ligatures: ß becomes Ss. What begins with an apostrophe or has an accent behind it stays in upper case.
  return /\p{L}/u.test(upper[1] as string) && character !== 'ŉ'
    ? upper[0] + upper.slice(1).join('').toLowerCase()
    : upper.join('')
}

/** str.capitalize(). */
export function capitalize(text: string): string {
  spend(text.length)
  const [first, ...others] = text
  return first === undefined ? '' : capital(first) + lowerAfter(first, others.join(''))
}

/** The lower case of what stands behind a character: a final sigma looks at what is before it. */
function lowerAfter(first: string, others: string): string {
  const whole = (first + others).toLowerCase()
  return whole.slice(first.toLowerCase().length)
}

/** str.title(): a word begins behind every character that has no case. */
export function titleCase(text: string): string {
  spend(text.length)
  const lower = [...text]
  let result = ''
  let inWord = false
  for (const [i, character] of lower.entries()) {
    if (!inWord) result += capital(character)
    else if (character === 'Σ') {
      spend(lower.length)
      result += lowerAfter(lower.slice(0, i).join(''), lower.slice(i).join(''))[0] ?? 'σ'
    } else result += character.toLowerCase()
    inWord = CASED.test(character)
  }
  return result
}

/** str.swapcase(). */
export const swapCase = (text: string): string =>
  [...spent(text)]
    .map((character) => {
      const lower = character.toLowerCase()
      return /\p{Uppercase}/u.test(character)
        ? lower
        : /\p{Lowercase}/u.test(character)
          ? character.toUpperCase()
          : character
    })
    .join('')

const spent = (text: string): string => {
  spend(text.length)
  return text
}

/** Characters of category No that have Numeric_Type=Digit: superscripts, circled digits and the like. */
const OTHER_DIGITS = '²³¹፩-፱᧚⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒𐩀-𐩃𐹠-𐹨𑁒-𑁚🄀-🄊'
/** Ideographs that have a numeric value, beside the characters of category N. */
const every =
  (pattern: RegExp) =>
  (text: string): boolean =>
    text !== '' && pattern.test(text)

const DECIMAL = '\\p{Nd}'
const DIGIT = `${DECIMAL}${OTHER_DIGITS}`

/** The predicates of str whose meaning Unicode's properties give. */
export const PREDICATES: Readonly<Record<string, (text: string) => boolean>> = {
  isascii: (text) => /^[\0-\x7f]*$/.test(text),
  isalpha: every(/^\p{L}+$/u),
  isdecimal: every(new RegExp(`^[${DECIMAL}]+$`, 'u')),
  isdigit: every(new RegExp(`^[${DIGIT}]+$`, 'u')),
  isalnum: every(/^[\p{L}\p{N}]+$/u),
  isspace: every(new RegExp(`^[${SPACE}]+$`)),
  islower: (text) => !UPPER_OR_TITLE.test(text) && /\p{Lowercase}/u.test(text),
  isupper: (text) => !/[\p{Lowercase}\p{Lt}]/u.test(text) && /\p{Uppercase}/u.test(text),
  istitle: isTitle,
  isprintable: (text) => [...text].every(isPrintable),
  isidentifier: every(/^[\p{XID_Start}_]\p{XID_Continue}*$/u)
}

function isTitle(text: string): boolean {
  let inWord = false
  let found = false
  for (const character of text) {
    const begins = UPPER_OR_TITLE.test(character)
    if (begins ? inWord : /\p{Lowercase}/u.test(character) && !inWord) return false
    inWord = CASED.test(character)
    found ||= inWord
  }
  return found
}
