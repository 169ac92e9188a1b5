import { plural } from '../../shared/plural'
import { MAX_JSON_DEPTH, MAX_JSON_VALUES, MAX_NUMBER_CHARACTERS } from './limits'

/*
 * JSON for files that are not trusted. JSON.parse keeps the last of two equal keys and rounds large integers without a
 * word; here a repeated key is an error, objects are Maps (so that a key may be `__proto__`), and numbers stay as written.
 */

/** A number as it was written; `asIndex` says whether it is an integer that can be trusted. */
export class JsonNumber {
  constructor(readonly text: string) {}

  /** Whether it is no number of JSON but a word of Python, which `parsePythonJson` lets through. */
  get isWord(): boolean {
    return NON_FINITE.test(this.text)
  }

  /** The value if it was written as a plain integer of 0 … 2⁵³ − 1, else undefined. */
  asIndex(): number | undefined {
    const value = /^(?:0|[1-9]\d*)$/.test(this.text) ? Number(this.text) : Number.NaN
    return Number.isSafeInteger(value) ? value : undefined
  }
}

export type JsonObject = ReadonlyMap<string, JsonValue>
export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject

/** What is wrong with a JSON text, in words that fit after "the header ". */
export class JsonFault extends Error {}

/**
 * Parses a JSON text of exactly one value, with white space around it allowed.
 *
 * @throws {JsonFault} on anything that RFC 8259 does not allow, a repeated key, a lone surrogate, excessive nesting, or
 *   more values than any file of a checkpoint has: each costs a hundred times what its text does
 */
export const parseStrictJson = (text: string): JsonValue => parse(new Scanner(text, { most: MAX_JSON_VALUES }))

/**
 * The same for texts that people and other programs wrote, where Python's json.loads is the measure: of two equal keys
 * the last value counts. Half of a surrogate pair, which no text file can hold, becomes U+FFFD.
 *
 * @throws {JsonFault} on anything else that RFC 8259 does not allow, or excessive nesting
 */
export const parseJson = (text: string): JsonValue => parse(new Scanner(text, { lenient: true }))

/**
 * The same as Python's json.dumps writes it, where NaN, Infinity and -Infinity stand beside the numbers; `isWord` tells them.
 *
 * @param lenient - as `parseJson`, else as `parseStrictJson`
 * @throws {JsonFault} as these
 */
export const parsePythonJson = (text: string, { lenient }: { readonly lenient: boolean }): JsonValue =>
  parse(new Scanner(text, { lenient, words: true, ...(!lenient && { most: MAX_JSON_VALUES }) }))

const NON_FINITE = /^(?:NaN|-?Infinity)$/

/** JSON.parse of what Python's json.dumps writes: a number that is not finite becomes `{"__float__": "NaN"}`, as transformers 5 writes it. */
export function parseWithWords(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const marked = text.replaceAll(STRING_OR_WORD, (found) => (found[0] === '"' ? found : `{"__float__":"${found}"}`))
    if (marked === text) throw error
    return JSON.parse(marked)
  }
}

/** A string that never ends is one too: nothing in it is looked at again. */
const STRING_OR_WORD = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"?|NaN|-?Infinity/g

function parse(scanner: Scanner): JsonValue {
  const value = scanner.value(0)
  scanner.end()
  return value
}

/** A value for a message: short, and on one line. */
export function showJson(value: JsonValue | undefined): string {
  const shown = shownJson(value)
  return shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown
}

const MAX_SHOWN = 200

function shownJson(value: JsonValue | undefined): string {
  if (value === undefined) return 'missing'
  if (value instanceof JsonNumber) return value.text
  if (value instanceof Map) return `an object with ${plural(value.size, 'key')}`
  if (Array.isArray(value))
    return value.length > 8 ? `a list of ${value.length}` : `[${value.map(showJson).join(', ')}]`
  const shown = JSON.stringify(value)
  return shown.length > 80 ? `${shown.slice(0, 77)}…"` : shown
}

const WORD = /[\w.+-]*/y
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
/** White space as JSON knows it: space, tab, line feed, carriage return. */
const isSpace = (code: number): boolean => code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d

class Scanner {
  #at = 0
  #values = 0
  readonly #lenient: boolean
  readonly #words: boolean
  readonly #most: number

  /** @param options - `lenient`, `words`: as Python reads and writes; `most`: values, of all depths, that are read at most */
  constructor(
    readonly text: string,
    {
      lenient = false,
      words = false,
      most = Number.POSITIVE_INFINITY
    }: { lenient?: boolean; words?: boolean; most?: number } = {}
  ) {
    this.#lenient = lenient
    this.#words = words
    this.#most = most
  }

  value(depth: number): JsonValue {
    if (++this.#values > this.#most) this.#fail(`holds more than ${this.#most} values`)
    if (depth > MAX_JSON_DEPTH) this.#fail(`is nested deeper than ${MAX_JSON_DEPTH} levels`)
    const next = this.#peek()
    if (next === '{') return this.#object(depth)
    if (next === '[') return this.#array(depth)
    if (next === '"') return this.#string()
    return this.#word()
  }

  end(): void {
    if (this.#peek() !== undefined) this.#fail('goes on after its JSON value')
  }

  #object(depth: number): JsonObject {
    const entries = new Map<string, JsonValue>()
    this.#at++
    if (this.#accept('}')) return entries
    do {
      if (this.#peek() !== '"') this.#unexpected('a key in quotes')
      const key = this.#string()
      if (!this.#lenient && entries.has(key)) this.#fail(`holds the key ${showJson(key)} twice`)
      if (!this.#accept(':')) this.#unexpected('":"')
      entries.set(key, this.value(depth + 1))
    } while (this.#accept(','))
    if (!this.#accept('}')) this.#unexpected('"," or "}"')
    return entries
  }

  #array(depth: number): JsonValue[] {
    const items: JsonValue[] = []
    this.#at++
    if (this.#accept(']')) return items
    do items.push(this.value(depth + 1))
    while (this.#accept(','))
    if (!this.#accept(']')) this.#unexpected('"," or "]"')
    return items
  }

  #string(): string {
    const from = this.#at
    let close = from
    do {
      close = this.text.indexOf('"', close + 1)
      if (close < 0) this.#fail('ends inside a string')
    } while (this.#isEscaped(close))
    this.#at = close + 1
    const parsed = parseString(this.text.slice(from, this.#at), this.#lenient)
    if (parsed === undefined) this.#fail('holds a string that is not valid JSON', from)
    return parsed
  }

  /** Whether an odd number of backslashes stands before `index`. */
  #isEscaped(index: number): boolean {
    let slash = index
    while (this.text[slash - 1] === '\\') slash--
    return (index - slash) % 2 === 1
  }

  /** A number, or one of the three literals: the longest run of characters that such a word is made of. */
  #word(): JsonValue {
    const from = this.#at
    WORD.lastIndex = from
    WORD.test(this.text)
    this.#at = WORD.lastIndex
    if (this.#at - from > MAX_NUMBER_CHARACTERS) this.#fail('holds a word that is too long for a number', from)
    const word = this.text.slice(from, this.#at)
    if (NUMBER.test(word) || (this.#words && NON_FINITE.test(word))) return new JsonNumber(word)
    if (word === 'null') return null
    if (word === 'true' || word === 'false') return word === 'true'
    this.#at = from
    return this.#unexpected('a value')
  }

  #accept(character: string): boolean {
    if (this.#peek() !== character) return false
    this.#at++
    return true
  }

  /** Skips white space and shows the next character; undefined at the end. */
  #peek(): string | undefined {
    while (isSpace(this.text.charCodeAt(this.#at))) this.#at++
    return this.text[this.#at]
  }

  #unexpected(expected: string): never {
    const found = this.#peek()
    if (found === undefined) this.#fail(`ends where ${expected} was expected`)
    const code = found.charCodeAt(0)
    const shown =
      code < 0x21 || code > 0x7e ? `U+${code.toString(16).padStart(4, '0').toUpperCase()}` : JSON.stringify(found)
    this.#fail(`has ${shown} where ${expected} was expected`)
  }

  #fail(message: string, at = this.#at): never {
    throw new JsonFault(`${message} (character ${at})`)
  }
}

/** The text of a quoted token; undefined for control characters, bad escapes and halves of surrogate pairs. */
function parseString(token: string, lenient: boolean): string | undefined {
  try {
    const value = JSON.parse(token) as string
    if (!/\p{Surrogate}/u.test(value)) return value
    return lenient ? value.replaceAll(/\p{Surrogate}/gu, '\uFFFD') : undefined
  } catch {
    return undefined
  }
}
