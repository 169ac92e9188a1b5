/*
 * The elements of a JSON list that is too large to be parsed whole, each as its text: ShareGPT and OpenHermes are one list of
 * half a gigabyte and of two.
 */

/** What ends a string or lets it go on, and what opens, parts or closes anything outside of strings. */
const IN_STRING = /["\\]/g
const OUTSIDE = /["[\]{},]/g

/** Cuts a list, which comes in pieces, behind every element. */
export class ElementCutter {
  #rest = ''
  #at = 0
  #depth = 0
  #isInString = false
  #isBegun = false

  /** Characters that are kept because their element goes on. */
  get waiting(): number {
    return this.#rest.length
  }

  /** Whether the list is closed; what comes behind it is in the way. */
  get isOver(): boolean {
    return this.#isBegun && this.#depth === 0
  }

  /** What stands behind the list, or is not finished. */
  get left(): string {
    return this.#rest.trim()
  }

  /** @returns the elements that end in this piece */
  push(piece: string): string[] {
    this.#rest += piece
    const elements: string[] = []
    let begin = 0
    for (let found = this.#next(); found !== undefined && !this.isOver; found = this.#next()) {
      const isOpen = found.character === '[' || found.character === '{'
      if (isOpen && this.#depth++ === 0) {
        this.#isBegun = true
        begin = found.index + 1
      } else if (this.#closes(found.character)) {
        const text = this.#rest.slice(begin, found.index)
        if (!(this.isOver && text.trim() === '')) elements.push(text)
        begin = found.index + 1
      }
    }
    this.#rest = this.#rest.slice(begin)
    this.#at = Math.max(0, this.#at - begin)
    return elements
  }

  /** Whether a character ends an element of the list. */
  #closes(character: string): boolean {
    if (character === ',') return this.#depth === 1
    if (character !== ']' && character !== '}') return false
    return --this.#depth === 0
  }

  /** The next character outside of strings that matters. */
  #next(): { character: string; index: number } | undefined {
    for (;;) {
      const expression = this.#isInString ? IN_STRING : OUTSIDE
      expression.lastIndex = this.#at
      const found = expression.exec(this.#rest)
      if (found === null) {
        this.#at = Math.max(this.#at, this.#rest.length)
        return undefined
      }
      const [character] = found
      this.#at = found.index + (character === '\\' ? 2 : 1)
      if (character === '"') this.#isInString = !this.#isInString
      else if (character !== '\\') return { character, index: found.index }
    }
  }
}
