import { badInput } from './errors'
import type { Recipe, Variant } from './recipe'
import { distinctVariants } from './variantAxes'

/*
 * What a person should know before a run begins: each finding is one sentence, and where possible a change of the recipe
 * that mends it.
 */

/** error: the run cannot succeed; warning: it can, but probably not as meant; info: good to know. */
export type Severity = 'error' | 'warning' | 'info'

/** The part of a recipe, or of its surroundings, that a finding is about. */
export type Subject = 'model' | 'texts' | 'variants' | 'device' | 'output'

/** Puts `value` where `path` leads in a recipe; a path without a value removes what is there. */
export interface RecipeChange {
  readonly path: readonly (string | number)[]
  readonly value?: unknown
}

export interface Fix {
  /** What it does, as the words on a button. */
  readonly label: string
  readonly changes: readonly RecipeChange[]
}

export interface Finding {
  readonly code: string
  readonly severity: Severity
  readonly subject: Subject
  readonly message: string
  readonly fix?: Fix | undefined
}

/** @throws {AppError} BAD_INPUT with the first finding that keeps a run from succeeding: too small a disk, a missing device */
export function assertCanEnd(findings: readonly Finding[]): void {
  const fatal = findings.find(({ severity }) => severity === 'error')
  if (fatal !== undefined) throw badInput(fatal.message)
}

/** The value with the changes made, in order; nothing of `value` itself is changed. */
export function applyChanges(value: unknown, changes: readonly RecipeChange[]): unknown {
  return changes.reduce((changed, { path, value: put }) => withChange(changed, path, put), value)
}

function withChange(value: unknown, [key, ...rest]: readonly (string | number)[], put: unknown): unknown {
  if (key === undefined) return put
  const inner = withChange((value as Record<string | number, unknown> | undefined)?.[key], rest, put)
  if (Array.isArray(value)) return value.map((item, i) => (i === key ? inner : item))
  const { [key]: _, ...others } = (value ?? {}) as Record<string | number, unknown>
  return inner === undefined ? others : { ...(value as object), [key]: inner }
}

/** A fix that changes every variant, and keeps one of those that become the same. */
export function changeVariants(
  { variants }: Pick<Recipe, 'variants'>,
  label: string,
  change: (variant: Variant) => Variant
): Fix {
  const changed = variants.map(change)
  return { label, changes: [{ path: ['variants'], value: distinctVariants(changed) }] }
}

/** A fix for a text without conversations, in which there are no responses to count. */
export const countAll = (role: 'calibration' | 'evaluation'): Fix =>
  role === 'calibration'
    ? { label: 'Calibrate on all positions', changes: [{ path: ['calibrateOn'], value: 'all' }] }
    : { label: 'Take the loss on all tokens', changes: [{ path: ['lossOn'], value: 'all' }] }

/** A fix that leaves one text out, where another remains or the run can go without. */
export function leaveOut(recipe: Recipe, role: 'calibration' | 'evaluation', path: string): Fix | undefined {
  const files = recipe[role]?.files ?? []
  const others = files.filter((file) => file !== path)
  if (others.length > 0 && others.length < files.length) {
    return { label: 'Leave it out', changes: [{ path: [role, 'files'], value: others }] }
  }
  if (role === 'calibration') return undefined
  return { label: 'Go without evaluation text', changes: [{ path: ['evaluation'] }] }
}
