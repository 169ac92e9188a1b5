import { branchesOf, type Item } from './regexShape'

/*
 * Whether a text may be cut between a letter and a separator (a blank, a line end) behind it so that a regular expression finds in
 * the two parts exactly what it finds in the whole.
 *
 * It does when no match can hold a letter with a separator behind it, and nothing in the expression tells the separator from the
 * end of the text, or the letter from its beginning: then every attempt of the matcher before the cut fails or succeeds alike with
 * and without what is behind it, and every one behind the cut with and without what is before it.
 */

/** What an expression does at such a cut. */
export interface AtCuts {
  /** Whether a match always ends there: the letter is in a match, whatever is around it. */
  readonly ends: boolean
}

/**
 * @param letters - every letter behind which a text is to be cut
 * @param separators - what is behind the cut, one of these characters
 * @returns undefined where it cannot be shown that nothing changes
 */
export function regexAtCuts(
  pattern: string,
  letters: readonly string[],
  separators: readonly string[]
): AtCuts | undefined {
  if (UNKNOWN.test(pattern)) return undefined
  const branches = branchesOf(pattern)
  const shape = shapeOf(branches)
  if (shape === undefined || shape.nullable) return undefined
  const among = (characters: readonly string[]) => {
    const answers = new Map<string, boolean>()
    return (atom: Item): boolean => {
      const found = answers.get(atom.text) ?? characters.some((one) => mayMatch(atom, one))
      answers.set(atom.text, found)
      return found
    }
  }
  const [mayTakeLetter, mayTakeSeparator] = [among(letters), among(separators)]
  for (const [before, after] of shape.pairs)
    if ((END.has(after.text) || mayTakeSeparator(after)) && mayTakeLetter(before)) return undefined
  if (shape.looks.some(mayTakeSeparator)) return undefined
  return { ends: letters.every((letter) => branches.some((branch) => takesAlone(branch, letter))) }
}

/** Parts of the syntax that look behind, refer to something, or change what others mean; `(?i:` only adds matches. */
const UNKNOWN = /\(\?<[=!]|\(\?[(~>{^]|\(\?\w*[xmWDSPy]|\(\?[<'P]|\\[1-9kgRXKhHOyY]|\(\*|&&|\[:/

/** Assertions about what is before or around a place. */
const LOOKS_BEHIND = /^(?:\^|\\[bBAG]|(?:\$|\\z|\\Z)[?*+{])/

const END = new Set(['$', '\\z', '\\Z'])

interface Shape {
  readonly nullable: boolean
  readonly first: readonly Item[]
  readonly last: readonly Item[]
  /** Atoms of which the second may stand behind the first in a match; the end of the text counts as one. */
  readonly pairs: readonly (readonly [Item, Item])[]
  /** What lookaheads look for, a character each. */
  readonly looks: readonly Item[]
}

const EMPTY: Shape = { nullable: true, first: [], last: [], pairs: [], looks: [] }

const pairsOf = (before: readonly Item[], after: readonly Item[]) =>
  before.flatMap((one) => after.map((other) => [one, other] as const))

function shapeOf(branches: readonly (readonly Item[])[]): Shape | undefined {
  let all: Shape | undefined
  for (const branch of branches) {
    let sequence: Shape = EMPTY
    for (const item of branch) {
      const next = shapeOfItem(item)
      if (next === undefined) return undefined
      sequence = {
        nullable: sequence.nullable && next.nullable,
        first: sequence.nullable ? [...sequence.first, ...next.first] : sequence.first,
        last: next.nullable ? [...sequence.last, ...next.last] : next.last,
        pairs: [...sequence.pairs, ...next.pairs, ...pairsOf(sequence.last, next.first)],
        looks: [...sequence.looks, ...next.looks]
      }
    }
    all = all === undefined ? sequence : either(all, sequence)
  }
  return all
}

const either = (one: Shape, other: Shape): Shape => ({
  nullable: one.nullable || other.nullable,
  first: [...one.first, ...other.first],
  last: [...one.last, ...other.last],
  pairs: [...one.pairs, ...other.pairs],
  looks: [...one.looks, ...other.looks]
})

function shapeOfItem(item: Item): Shape | undefined {
  const { branches, min, max, text } = item
  if (branches === undefined) {
    if (LOOKS_BEHIND.test(text)) return undefined
    // The end of the text is no character: what is before it has to be known, what is behind it is nothing.
    if (END.has(text)) return { ...EMPTY, first: [item] }
    const pairs = max > 1 ? pairsOf([item], [item]) : []
    return { nullable: min === 0, first: [item], last: [item], pairs, looks: [] }
  }
  if (/^\(\?[=!]/.test(text)) {
    const looked = branches.flatMap((branch) => (branch.length === 1 ? (branch[0] as Item) : []))
    const isSimple = looked.length === branches.length && looked.every((one) => isCharacter(one) && one.min === 1)
    return isSimple && min === 1 && max === 1 ? { ...EMPTY, looks: looked } : undefined
  }
  const inner = shapeOf(branches)
  if (inner === undefined) return undefined
  const pairs = max > 1 ? [...inner.pairs, ...pairsOf(inner.last, inner.first)] : inner.pairs
  return { ...inner, nullable: inner.nullable || min === 0, pairs }
}

const isCharacter = ({ branches, max, text }: Item): boolean => branches === undefined && max === 1 && !END.has(text)

/** Whether a branch matches a letter by itself, whatever is around it: one item takes it, the others may take nothing. */
function takesAlone(branch: readonly Item[], letter: string): boolean {
  const at = branch.findIndex((item) => item.min > 0 || mustMatch(item, letter))
  const taker = branch[at]
  if (
    taker === undefined ||
    taker.branches !== undefined ||
    taker.min > 1 ||
    taker.max < 1 ||
    !mustMatch(taker, letter)
  )
    return false
  const before = branch.slice(0, at)
  // What never gives back what it took must not take the letter.
  if (before.some((item) => item.branches !== undefined || (item.closed && mayMatch(item, letter)))) return false
  return branch.slice(at + 1).every((item) => item.min === 0)
}

/** Whether an atom may match a character, be it in the other case; true where that is not known. */
const mayMatch = ({ text }: Item, character: string): boolean =>
  ['u', 'iu'].some((flags) => inJavaScript(text, flags)?.test(character) ?? true)

/** Whether it certainly does. */
const mustMatch = ({ text, branches }: Item, character: string): boolean =>
  branches === undefined && inJavaScript(text, 'u')?.test(character) === true

const known = new Map<string, RegExp | undefined>()

function inJavaScript(text: string, flags: string): RegExp | undefined {
  const key = `${flags} ${text}`
  if (!known.has(key)) known.set(key, translated(text, flags))
  return known.get(key)
}

const ATOM = /^(\[(?:\\[pP]\{\w+\}|\\.|[^\]\\])*\]|\\[pP]\{\w+\}|\\[\s\S]|[\s\S])(?:[?*+]|\{[\d,]*\})*$/u

/** Classes that JavaScript knows for ASCII alone; others are the same in both, as far as letters and blanks go. */
const CLASSES: readonly (readonly [string, string])[] = [
  ['\\w', '\\p{L}\\p{M}\\p{N}\\p{Pc}'],
  ['\\d', '\\p{Nd}']
]

/** One character of an atom, without its quantifier, as JavaScript writes it; undefined where that is not known. */
function translated(text: string, flags: string): RegExp | undefined {
  const atom = ATOM.exec(text)?.[1]
  if (atom === undefined) return undefined
  const plain = atom.replaceAll(/\\\\/g, '')
  if (/\\[WDvea]/.test(plain) || /^\[.*\[/s.test(plain.replaceAll(/\\./gs, ''))) return undefined
  if (atom === '.') return /^[\s\S]$/u
  let inClass = atom.startsWith('[') ? atom : `[${atom.startsWith('\\') ? atom : `\\u{${codeOf(atom)}}`}]`
  for (const [theirs, ours] of CLASSES) inClass = inClass.replaceAll(theirs, ours)
  try {
    return new RegExp(`^${inClass}$`, flags)
  } catch {
    return undefined
  }
}

const codeOf = (character: string): string => (character.codePointAt(0) ?? 0).toString(16)
