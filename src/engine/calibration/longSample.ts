import { type AppError, badInput } from '../../shared/errors'
import { IMPORT_PLACES } from '../../shared/samples'
import { parseWithWords } from '../formats/strictJson'

/** Characters that may stand beside the text in the line of a long sample. */
const MAX_BESIDE = 2 ** 26

const NO_JSON = 'not JSON; one object {"text": "…"} per line is needed'

/** A line that holds another object, say a conversation, is a row of which the texts have to be chosen. */
export const noText = (where: string): AppError =>
  badInput(
    `${where}: an object with a string "text" is needed; conversations and rows with other keys are imported ` +
      `(${IMPORT_PLACES}) and used as a set (set:NAME)`
  )

/**
 * A line `{"text": "…"}` of a file of samples, read a piece at a time: what the text holds is handed on as it comes, and
 * whatever stands beside it is kept, to be parsed at the end.
 */
export class LongSample {
  /** The line with an empty text. */
  #beside = ''
  #depth = 0
  #inside: 'nothing' | 'key' | 'value' | 'text' = 'nothing'
  #escaped = false
  #wantsKey = false
  #key = ''
  /** Of the text, an escape that goes on in the next piece. */
  #cut = ''
  #isFound = false
  #isBlank = true

  /** @param where - file and line, for messages */
  constructor(private readonly where: string) {}

  /**
   * @returns what of the text is in a piece of the line
   * @throws {AppError} BAD_INPUT for a line that is not JSON, or holds a text twice
   */
  push(piece: string): string {
    let found = ''
    for (let at = 0; at < piece.length; ) {
      if (this.#inside === 'text') {
        const { text, next } = this.#text(piece, at)
        found += text
        at = next
      } else at = this.#skip(piece, at)
    }
    this.#isBlank &&= found.trim() === ''
    return found
  }

  /** @throws {AppError} BAD_INPUT for a line that is not JSON, or holds no text with words in it */
  end(): void {
    if (this.#inside !== 'nothing') throw badInput(`${this.where}: ${NO_JSON}`)
    const value = this.#parse<unknown>(this.#beside)
    if (typeof value !== 'object' || value === null || !this.#isFound) throw noText(this.where)
    if (this.#isBlank) throw badInput(`${this.where}: "text" is empty`)
  }

  /** Goes on to where the text begins, or to the end of the piece. */
  #skip(piece: string, begin: number): number {
    let at = begin
    while (at < piece.length && this.#inside !== 'text') this.#see(piece[at++] as string)
    this.#beside += piece.slice(begin, at)
    if (this.#beside.length > MAX_BESIDE)
      throw badInput(`${this.where} holds more than ${MAX_BESIDE} characters beside its text; leave them out`)
    return at
  }

  #see(character: string): void {
    if (this.#inside === 'nothing') this.#seeOutside(character)
    else if (character === '"' && !this.#escaped) {
      if (this.#inside === 'key') this.#key = this.#parse(`"${this.#key}"`)
      this.#inside = 'nothing'
    } else {
      this.#escaped = character === '\\' && !this.#escaped
      if (this.#inside === 'key') this.#key += character
    }
  }

  #seeOutside(character: string): void {
    if (character === '"') {
      const isKey = this.#depth === 1 && this.#wantsKey
      if (!isKey) this.#inside = this.#depth === 1 && this.#key === 'text' ? this.#begun() : 'value'
      else {
        this.#inside = 'key'
        this.#key = ''
      }
    } else if (character === '{' || character === '[') this.#wantsKey = ++this.#depth === 1 && character === '{'
    else if (character === '}' || character === ']') this.#depth--
    else if (this.#depth === 1 && character === ',') this.#wantsKey = true
    else if (this.#depth === 1 && character === ':') this.#wantsKey = false
  }

  #begun(): 'text' {
    if (this.#isFound) throw badInput(`${this.where}: "text" stands there twice`)
    this.#isFound = true
    this.#key = ''
    return 'text'
  }

  /** The text from here to its end, or to that of the piece; an escape that is cut off is kept for the next. */
  #text(piece: string, begin: number): { text: string; next: number } {
    const raw = this.#cut + piece.slice(begin)
    let end = raw.length
    const special = /["\\]/g
    for (let found = special.exec(raw); found !== null; found = special.exec(raw)) {
      const length = raw[found.index] === '"' ? 0 : raw[found.index + 1] === 'u' ? 6 : 2
      if (length === 0 || found.index + length > raw.length) {
        end = found.index
        break
      }
      special.lastIndex = found.index + length
    }
    const text = this.#parse<string>(`"${raw.slice(0, end)}"`)
    const isOver = raw[end] === '"'
    if (isOver) {
      this.#beside += '"'
      this.#inside = 'nothing'
    }
    const next = isOver ? begin + end + 1 - this.#cut.length : piece.length
    this.#cut = isOver ? '' : raw.slice(end)
    return { text, next }
  }

  #parse<T>(json: string): T {
    try {
      return parseWithWords(json) as T
    } catch {
      throw badInput(`${this.where}: ${NO_JSON}`)
    }
  }
}
