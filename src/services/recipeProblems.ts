import { z } from 'zod'
import { nearestName } from '../shared/nearestName'
import { Recipe } from '../shared/recipe'

type Issue = z.core.$ZodIssue
type Parsed = z.ZodSafeParseResult<Recipe>

/** Checks a recipe and fills in its defaults. */
export const parseRecipe = (value: unknown): Parsed => Recipe.safeParse(value, { reportInput: true })

/** JSON Schema of a recipe as people write it: what has a default may be left out. */
export const recipeSchema = (): z.core.JSONSchema.BaseSchema => ({
  title: 'Quail recipe',
  ...z.toJSONSchema(Recipe, { io: 'input' })
})

/** What is wrong with a recipe, as one sentence: each key, what stands there, what is accepted; three at most. */
export function describeRecipeProblems(error: z.ZodError): string {
  const sentences = error.issues.flatMap((issue) => sentencesOf(issue))
  const more = sentences.length > 3 ? `; and ${sentences.length - 3} more` : ''
  return sentences.slice(0, 3).join('; ') + more
}

function sentencesOf(issue: Issue): string[] {
  if (issue.code !== 'unrecognized_keys') return [`${pathOf(issue.path)}${problemOf(issue)}`]
  const known = keysAt(issue.path)
  return issue.keys.map((key) => `${pathOf([...issue.path, key])}unknown key; ${suggestion(key, known)}`)
}

const pathOf = (path: readonly PropertyKey[]): string => (path.length === 0 ? '' : `${path.map(String).join('.')}: `)

const suggestion = (key: string, known: readonly string[]): string => {
  const nearest = nearestName(key, known)
  return nearest === undefined ? `accepted are ${known.join(', ')}` : `did you mean ${nearest}?`
}

function problemOf(issue: Issue): string {
  const found = show(issue.input)
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return `missing; ${nounOf(issue.expected)} is needed`
      return `${found} is not ${nounOf(issue.expected)}`
    case 'invalid_value':
      return notAmong(issue.input, issue.values)
    case 'too_small':
      if (issue.origin === 'array') return `the list is too short; at least ${issue.minimum} is needed`
      if (issue.origin === 'string') return 'empty; a text is needed'
      return `${found} is too small; ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum} is needed`
    case 'too_big':
      return `${found} is too large; at most ${issue.maximum} is accepted`
    case 'invalid_union':
      return unionProblem(issue, found)
    case 'invalid_format':
      return `${found} is not accepted; ${issue.message}`
    default:
      return issue.message
  }
}

function unionProblem(issue: z.core.$ZodIssueInvalidUnion, found: string): string {
  const leaves = issue.errors.map((branch) => branch[0]).filter((leaf) => leaf !== undefined)
  const values = leaves.flatMap((leaf) => (leaf.code === 'invalid_value' ? leaf.values : []))
  const types = leaves.flatMap((leaf) => (leaf.code === 'invalid_type' ? [nounOf(leaf.expected)] : []))
  if (types.length === 0 && values.length > 0) return notAmong(issue.input, values)
  return `${found} is not accepted; ${[...values.map(String), ...types].join(' or ')} is needed`
}

function notAmong(input: unknown, values: readonly unknown[]): string {
  const accepted = values.map(String)
  if (input === undefined) return `missing; ${oneOf(accepted)} is needed`
  const nearest = typeof input === 'string' ? nearestName(input, accepted) : undefined
  const hint = nearest === undefined ? '' : ` (did you mean ${nearest}?)`
  return `${show(input)} is not accepted; ${oneOf(accepted)} is needed${hint}`
}

const oneOf = (accepted: readonly string[]): string =>
  accepted.length === 1 ? String(accepted[0]) : `one of ${accepted.join(', ')}`

const NOUNS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values'
}

const nounOf = (expected: string): string => NOUNS[expected] ?? expected

const show = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value))
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** The keys that a recipe may have at a path. */
function keysAt(path: readonly PropertyKey[]): string[] {
  let schema: z.core.JSONSchema.BaseSchema | undefined = recipeSchema()
  for (const step of path) {
    const next: unknown = typeof step === 'number' ? schema?.items : schema?.properties?.[String(step)]
    schema = typeof next === 'object' ? (next as z.core.JSONSchema.BaseSchema) : undefined
  }
  return Object.keys(schema?.properties ?? {})
}
