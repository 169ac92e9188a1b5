/*
 * Regular expressions that choose targets, by the rule of PEFT: a string `target_modules` is matched against the whole
 * path of a module with Python's `re.fullmatch`. Only expressions that mean the same in Python and in JavaScript are
 * accepted, and none whose matching can take long.
 *
 * Source: huggingface/peft 0.21, tuners_utils.match_target_against_key; CPython 3.13, Doc/library/re.rst.
 */

/** Stands before an expression where targets are one text: on the command line and in messages. */
export const PATTERN_PREFIX = 'regex:'

const MAX_CHARACTERS = 500

/** A backtracking matcher tries at most C(path length + k, k) ways for k repetitions one after the other. */
const MAX_REPETITIONS = 5

/** What stands in an expression; each part means the same in both languages for paths, which are printable ASCII. */
const PARTS = [
  /\(\?:|\(\?=|\(\?!|\(/, // groups and lookahead
  /\)/,
  /\[\^?[\w. -]+\]/, // a class of characters and ranges
  /\\[.wdWDb\\$^()[\]{}|*+?-]/, // classes of characters, a word's edge, escaped signs
  /[*+?]\??|\{\d{1,3}(?:,\d{0,3})?\}\??/, // repetitions, as short as possible with a question mark behind
  /[|^$.]/,
  /[\w -]/
].map((part) => new RegExp(part.source, 'y'))

const REPETITION = /^[*+?{]/

/** Constructs that people use in Python and that JavaScript reads otherwise, with their names. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/^\(\?P/, 'a named group'],
  [/^\(\?<[=!]/, 'lookbehind'],
  [/^\(\?</, 'a named group'],
  [/^\(\?>/, 'an atomic group'],
  [/^\(\?#/, 'a comment'],
  [/^\(\?/, 'a flag'],
  [/^\\\d/, 'a reference to a group'],
  [/^\\[AZzBG]/, 'an anchor with a backslash'],
  [/^\\./, 'an escape'],
  [/^[*+?}]\+/, 'a possessive repetition'],
  [/^\[/, 'a class with signs other than letters, digits, "_", ".", "-" and spaces']
]

/**
 * Why an expression cannot be used, in words that fit after its text; undefined when it can.
 */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.length > MAX_CHARACTERS) return `has ${pattern.length} characters; at most ${MAX_CHARACTERS} are accepted`
  const parts = partsOf(pattern)
  if (typeof parts === 'string') return parts
  const repetitions = parts.filter((part) => REPETITION.test(part)).length
  if (repetitions > MAX_REPETITIONS) return `repeats ${repetitions} parts; at most ${MAX_REPETITIONS} are accepted`
  const group = parts.findIndex(
    (part, i) => part === ')' && REPETITION.test(parts[i + 1] ?? '') && parts[i + 1] !== '?'
  )
  if (group >= 0) return 'repeats a group, whose matching can take forever; repeat single characters or classes'
  try {
    compilePattern(pattern)
    return undefined
  } catch {
    return 'is no regular expression'
  }
}

/** The parts of an expression, or the sentence about the first that is not accepted. */
function partsOf(pattern: string): string[] | string {
  const parts: string[] = []
  for (let at = 0; at < pattern.length; ) {
    const rest = pattern.slice(at)
    const foreign = FOREIGN.find(([form]) => form.test(rest))
    const part = matchAt(pattern, at)
    const previous = parts.at(-1) ?? ''
    if (part === undefined || (REPETITION.test(part) && REPETITION.test(previous))) {
      const found = foreign?.[1] ?? `${JSON.stringify(rest[0])}`
      return `holds ${found} (character ${at}), which Python and JavaScript do not read alike`
    }
    parts.push(part)
    at += part.length
  }
  return parts
}

function matchAt(pattern: string, at: number): string | undefined {
  if (/^\(\?(?![:=!])/.test(pattern.slice(at))) return undefined // not the plain group that it begins like
  for (const part of PARTS) {
    part.lastIndex = at
    const found = part.exec(pattern)
    if (found !== null) return found[0]
  }
  return undefined
}

/** `re.fullmatch` of an accepted expression. With the flag u, JavaScript refuses what it would read in ways of its own. */
export const compilePattern = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`, 'u')
