import { CST, Lexer } from 'yaml'

/** Levels of a document that people write: a recipe has five. */
const MAX_LEVELS = 64

/** Pieces, of which each key, value, bracket and space is one: enough for a recipe that names five thousand files. */
const MAX_PIECES = 30_000

const OPENING = new Set(['flow-seq-start', 'flow-map-start'])
const CLOSING = new Set(['flow-seq-end', 'flow-map-end'])
/** What opens a level of a block, each time that it stands in one line; below each other they cost the text of the indent. */
const IN_LINE = new Set(['seq-item-ind', 'explicit-key-ind', 'map-value-ind'])

/**
 * What a YAML text has more of than anything that people write, in words that fit after "it"; undefined where it is tame. The
 * parser takes a gigabyte for two million brackets before it gives up over them, and compares each key of a mapping with all
 * others; its lexer yields one piece after the other.
 */
export function yamlExcess(text: string): string | undefined {
  let [line, pieces, brackets, inLine] = [1, 0, 0, 0]
  for (const piece of new Lexer().lex(text)) {
    const type = CST.tokenType(piece) ?? ''
    if (OPENING.has(type)) brackets++
    else if (CLOSING.has(type)) brackets = Math.max(0, brackets - 1)
    else if (type === 'newline') [line, inLine] = [line + 1, 0]
    else if (brackets === 0 && IN_LINE.has(type)) inLine++
    if (brackets + inLine > MAX_LEVELS) return `is nested deeper than ${MAX_LEVELS} levels at line ${line}`
    if (++pieces > MAX_PIECES) return `holds more keys and values than a recipe up to line ${line}`
  }
  return undefined
}
