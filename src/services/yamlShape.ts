import { CST, Lexer } from 'yaml'

/** Levels of a document that people write: a recipe has five. */
const MAX_LEVELS = 64

/** Pieces, of which each key, value, bracket and space is one: enough for a recipe that names five thousand files. */
const MAX_PIECES = 30_000

const OPENING = new Set(['flow-seq-start', 'flow-map-start'])
const CLOSING = new Set(['flow-seq-end', 'flow-map-end'])
/** What opens a level of a block, each time that it stands in one line. */
const IN_LINE = new Set(['seq-item-ind', 'explicit-key-ind', 'map-value-ind'])

/**
 * What a text in YAML or JSON, which is YAML, has more of than anything that people write, in words that fit after "it";
 * undefined where it is tame. The parser takes a gigabyte for two million brackets before it gives up over them, compares
 * each key of a mapping with all others, and calls itself for each level; its lexer yields one piece after the other.
 */
export function yamlExcess(text: string): string | undefined {
  let [line, pieces, brackets, inLine] = [1, 0, 0, 0]
  let startsLine = true
  const indents = new Indents()
  for (const piece of new Lexer().lex(text)) {
    const type = CST.tokenType(piece) ?? ''
    if (startsLine && brackets === 0) indents.begin(type === 'space' ? piece.length : 0)
    startsLine = type === 'newline'
    if (OPENING.has(type)) brackets++
    else if (CLOSING.has(type)) brackets = Math.max(0, brackets - 1)
    else if (startsLine) [line, inLine] = [line + 1, 0]
    else if (brackets === 0 && IN_LINE.has(type)) inLine++
    if (brackets + inLine + indents.levels > MAX_LEVELS)
      return `is nested deeper than ${MAX_LEVELS} levels at line ${line}`
    if (++pieces > MAX_PIECES) return `holds more keys and values than a recipe up to line ${line}`
  }
  return undefined
}

/** Levels of a block that stand below each other, each further to the right. */
class Indents {
  readonly #open: number[] = []

  get levels(): number {
    return this.#open.length
  }

  begin(indent: number): void {
    while ((this.#open.at(-1) ?? -1) >= indent) this.#open.pop()
    if (indent > 0) this.#open.push(indent)
  }
}
