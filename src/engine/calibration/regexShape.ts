/*
 * Finds regular expressions that a backtracking matcher may take exponentially long for. The tokenizers library gives up
 * after ten million steps, and ends the whole process with it, so such a tokenizer has to be refused beforehand.
 */

/** One item of a branch: an atom of one character, or a group, with how often it is repeated. */
export interface Item {
  readonly text: string
  readonly min: number
  readonly max: number
  /** Never gives back what it matched: possessive, atomic, or an assertion. */
  readonly closed: boolean
  /** Undefined for a single character. */
  readonly branches: readonly (readonly Item[])[] | undefined
}

/** Repetitions up to this many multiply the work by a constant that does not matter. */
const FEW = 3

/** So many neighbours of any length that may all match the same characters take cubic time. */
const MANY_NEIGHBOURS = 3

/**
 * The part of a regular expression (Oniguruma's Ruby syntax) that may take exponential or cubic time, or undefined.
 *
 * A repetition of something that can match one text in several ways counts, if what follows can fail and so make the
 * matcher try them all: `(a+)+$`, `(a|a)*b`; and so do three neighbours of any length, `\s*\s*\s*x`. Bodies are not
 * compared character by character: some harmless ones are found as well.
 */
export function explosivePart(pattern: string): string | undefined {
  return explosiveAmong(branchesOf(pattern), false)
}

/** The branches of a regular expression, as far as its shape goes. */
export const branchesOf = (pattern: string): readonly (readonly Item[])[] => new Parser(pattern).branches()

/** @param followed - whether something behind these branches can fail */
function explosiveAmong(branches: readonly (readonly Item[])[], followed: boolean): string | undefined {
  for (const branch of branches)
    for (const [index, item] of branch.entries()) {
      const fallible = followed || branch.slice(index + 1).some(({ min }) => min > 0)
      if (fallible && isAmbiguousRepetition(item)) return item.text
      const neighbours = branch.slice(index, index + MANY_NEIGHBOURS)
      const behind = followed || branch.slice(index + MANY_NEIGHBOURS).some(({ min }) => min > 0)
      if (behind && neighbours.length === MANY_NEIGHBOURS && neighbours.every(isEndless))
        return neighbours.map(({ text }) => text).join('')
      const inside = explosiveAmong(item.branches ?? [], !item.closed && (fallible || item.min > 1))
      if (inside !== undefined) return inside
    }
  return undefined
}

const isEndless = ({ max, closed }: Item): boolean => max === Number.POSITIVE_INFINITY && !closed

const isAmbiguousRepetition = ({ max, closed, branches }: Item): boolean =>
  max > FEW && !closed && branches !== undefined && (branches.length > 1 || branches.some((b) => b.some(isVariable)))

/** Whether an item can match one text in more than one way. */
const isVariable = ({ min, max, closed, branches }: Item): boolean =>
  !closed &&
  (min !== max || (branches !== undefined && (branches.length > 1 || branches.some((b) => b.some(isVariable)))))

const QUANTIFIER = /[?*+]|\{(\d+)(,(\d*))?\}|\{,(\d+)\}/y
const ESCAPE = /\\(?:[pP]\{[^}]*\}|[xuko]\{[^}]*\}|[kg]<[^>]*>|x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|[\s\S])/y
const GROUP_START = /\((?:\?(?:[=!>:~]|<[=!]|<\w+>|'\w+'|[imxWDSPy{}g-]*:|[imxWDSPy{}g-]*(?=\))))?/y
const ASSERTIONS = new Set(['\\b', '\\B', '\\A', '\\z', '\\Z', '\\G', '^', '$'])

/** Enough of the syntax to see groups, branches and repetitions; errors are left to the library. */
class Parser {
  private at = 0
  constructor(private readonly pattern: string) {}

  branches(): Item[][] {
    const result: Item[][] = [[]]
    while (this.at < this.pattern.length && this.pattern[this.at] !== ')') {
      if (this.pattern[this.at] === '|') {
        this.at++
        result.push([])
      } else result.at(-1)?.push(this.item())
    }
    return result
  }

  private item(): Item {
    const begin = this.at
    let item = this.atom()
    for (let count = this.quantifier(); count !== undefined; count = this.quantifier()) {
      // A quantifier behind another one repeats what the first one repeated.
      const repeated = item.min === 1 && item.max === 1
      const branches = repeated ? item.branches : [[item]]
      item = { ...count, closed: item.closed || count.closed, branches, text: this.pattern.slice(begin, this.at) }
    }
    return item
  }

  private atom(): Item {
    const begin = this.at
    const once = { min: 1, max: 1 }
    if (this.pattern[begin] === '(') {
      const start = this.take(GROUP_START) ?? '('
      if (start === '(') this.at = begin + 1
      const branches = this.branches()
      this.at++ // the closing parenthesis
      const closed = /^\(\?(?:[=!>~]|<[=!])/.test(start)
      return { ...once, closed, branches, text: this.pattern.slice(begin, this.at) }
    }
    const text = this.pattern[begin] === '[' ? this.characterClass() : (this.take(ESCAPE) ?? this.character())
    return { ...once, closed: ASSERTIONS.has(text), branches: undefined, text }
  }

  private character(): string {
    const character = String.fromCodePoint(this.pattern.codePointAt(this.at) ?? 0)
    this.at += character.length
    return character
  }

  /** `[…]` with everything inside, other classes too. */
  private characterClass(): string {
    const begin = this.at++
    if (this.pattern[this.at] === '^') this.at++
    if (this.pattern[this.at] === ']') this.at++
    while (this.at < this.pattern.length && this.pattern[this.at] !== ']')
      if (this.pattern[this.at] === '[') this.characterClass()
      else this.take(ESCAPE) ?? this.character()
    this.at++
    return this.pattern.slice(begin, this.at)
  }

  private quantifier(): { min: number; max: number; closed: boolean } | undefined {
    const text = this.take(QUANTIFIER)
    if (text === undefined) return undefined
    if (!text.startsWith('{')) {
      const closed = this.pattern[this.at] === '+' // possessive
      if (closed || this.pattern[this.at] === '?') this.at++
      return { min: text === '+' ? 1 : 0, max: text === '?' ? 1 : Number.POSITIVE_INFINITY, closed }
    }
    if (this.pattern[this.at] === '?') this.at++
    const [min = '', max = min] = text.slice(1, -1).split(',')
    return { min: Number(min), max: max === '' ? Number.POSITIVE_INFINITY : Number(max), closed: false }
  }

  private take(expression: RegExp): string | undefined {
    expression.lastIndex = this.at
    const found = expression.exec(this.pattern)?.[0]
    this.at += found?.length ?? 0
    return found
  }
}
