import { mutateBytes } from './mutateBytes'
import { pick, type Random } from './random'

/** Values that readers forget: extremes of numbers, other types, names of prototypes, deep nesting. */
const VALUES = [
  ...['0', '-1', '1', '2', '3', '0.5', '-0', '1e308', '1e-320', '1e400', '4294967296', '9007199254740993', '16777217'],
  ...['null', 'true', 'false', '""', '[]', '{}', '[null]', '{"a":1}', '"__proto__"', '"constructor"', '"toString"'],
  ...['"\\ud800"', '"\\u0000"', '"../../x"', '"/x"', '"("', '"(a+)+$"', '" "', 'NaN', '.inf', '~', '&a *a', '!!js x'],
  `"${'a'.repeat(5000)}"`,
  '['.repeat(3000),
  `${'['.repeat(300)}${']'.repeat(300)}`,
  `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`
]

const TOKEN = /"(?:[^"\\\n]|\\.)*"|[-\w.+]+|[^\s\w]/g

/**
 * One to three changes of a text such as JSON or YAML: a word or a string replaced by a value, removed, or exchanged with
 * another one, so that most results still can be parsed; now and then a change of bytes, as in a damaged file.
 */
export function mutateText(original: string, random: Random): Buffer {
  let text = original
  for (let changes = 1 + random(3); changes > 0; changes--) text = changeToken(text, random)
  return random(8) === 0 ? mutateBytes(Buffer.from(text), random) : Buffer.from(text)
}

function changeToken(text: string, random: Random): string {
  const tokens = tokensNear(text, random)
  if (tokens.length === 0) return pick(random, VALUES)
  const one = pick(random, tokens)
  const other = pick(random, tokens)
  const kind = random(8)
  if (kind < 5) return put(text, one, pick(random, VALUES))
  if (kind < 6) return put(text, one, '')
  return put(text, one, other.text)
}

interface Token {
  readonly at: number
  readonly text: string
}

/** The tokens of a piece of the text: a vocabulary has thousands. */
function tokensNear(text: string, random: Random): Token[] {
  const from = text.length < 4096 ? 0 : random(text.length - 2048)
  return [...text.slice(from, from + 4096).matchAll(TOKEN)].map((match) => ({
    at: from + match.index,
    text: match[0]
  }))
}

const put = (text: string, { at, text: old }: Token, by: string): string =>
  text.slice(0, at) + by + text.slice(at + old.length)
