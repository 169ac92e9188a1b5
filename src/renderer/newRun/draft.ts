import type { StartRecipe } from '../../shared/contract/recipes'
import { ALL_POSITIONS, Recipe } from '../../shared/recipe'

/*
 * The form's state: a recipe that may be unfinished, and what belongs to the run but not to the recipe. It survives a
 * reload and a restart.
 */

export interface Draft {
  readonly version: 1
  /** Numbers that are being typed may be NaN, lists of files may be empty; `checkDraft` says so. */
  readonly recipe: Recipe
  /** Where the adapters go; null: a folder of the run's own below Quail's. */
  readonly out: string | null
  /** Where the recipe came from, as a sentence. */
  readonly origin: string
}

export const draftOf = ({ recipe, origin }: StartRecipe): Draft => ({ version: 1, recipe, out: null, origin })

/** What earlier versions did not ask yet; their drafts lack it. */
const NOT_ASKED = { ...ALL_POSITIONS, onDeviceFailure: 'stop' } as const

const KEY = 'quail.newRun'

export const saveDraft = (draft: Draft): void => localStorage.setItem(KEY, JSON.stringify(draft))

/** The draft of last time; undefined when there is none that this version can read. */
export function loadDraft(): Draft | undefined {
  try {
    const draft = JSON.parse(localStorage.getItem(KEY) ?? 'null') as Draft | null
    if (draft?.version !== 1 || typeof draft.recipe?.model !== 'string') return undefined
    if (!Array.isArray(draft.recipe.variants) || typeof draft.recipe.calibration !== 'object') return undefined
    return { ...draft, recipe: { ...NOT_ASKED, ...draft.recipe } }
  } catch {
    return undefined
  }
}

/** A finished recipe, or by the path of its field what is still missing. */
export type Checked =
  | { readonly recipe: Recipe; readonly errors: Readonly<Record<string, never>> }
  | { readonly recipe: undefined; readonly errors: Readonly<Record<string, string>> }

type Issue = NonNullable<ReturnType<typeof Recipe.safeParse>['error']>['issues'][number]

export function checkDraft({ recipe }: Draft): Checked {
  const parsed = Recipe.safeParse(recipe)
  if (parsed.success) return { recipe: parsed.data, errors: {} }
  const errors = Object.fromEntries(parsed.error.issues.map((issue) => [issue.path.join('.'), sentenceOf(issue)]))
  return { recipe: undefined, errors }
}

function sentenceOf(issue: Issue): string {
  switch (issue.code) {
    case 'too_small':
      if (issue.origin === 'array') return 'Choose a text'
      return issue.inclusive === false ? `More than ${issue.minimum}` : `At least ${issue.minimum}`
    case 'too_big':
      return `At most ${issue.maximum}`
    case 'invalid_type':
      return issue.expected === 'int' ? 'A whole number is needed' : 'A number is needed'
    default:
      return issue.message
  }
}
