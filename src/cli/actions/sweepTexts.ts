import { type Recipe, type RowsWish, rowsWishOf } from '../../shared/recipe'
import { kindOfText, type SweepDefinition, type SweepSet, setsOfRecipe } from '../../shared/sweep'
import { textSource } from './recipeFromOptions'

/** Texts as the command line names them: `laws=a.txt`, or `a.txt` whose kind its name tells. */
export interface LabelledText {
  readonly label: string
  readonly text: string
  /** Whether the label was given. */
  readonly given: boolean
}

const LABELLED = /^([\p{L}\p{N}][\p{L}\p{N} ._-]*)=(.+)$/u
const SET = 'set:'

/** The texts of an option with their labels. A path that looks like LABEL=FILE itself can be written ./LABEL=FILE. */
export const labelledTexts = (values: readonly string[]): LabelledText[] =>
  values.map((value) => {
    const [, label, text] = LABELLED.exec(value) ?? []
    if (label !== undefined && text !== undefined) return { label, text, given: true }
    return { label: kindOfText(value.startsWith(SET) ? value.slice(SET.length) : value), text: value, given: false }
  })

interface GivenTexts {
  readonly calibration: readonly LabelledText[]
  readonly evaluation: readonly LabelledText[]
  /** Rows of each file, where they are given beside a recipe. */
  readonly rows: RowsWish | undefined
}

/** Calibration sets and labels of the evaluation texts: as given, or those of the recipe, whose texts are one set. */
export function setsOf(
  recipe: Recipe,
  { calibration, evaluation, rows }: GivenTexts
): Pick<SweepDefinition, 'sets' | 'evaluation'> {
  const { enough, ...rest } = recipe.calibration
  const own = rows === undefined ? recipe.calibration : { ...rest, ...rows }
  const ofRecipe = setsOfRecipe({ ...recipe, calibration: own }, false)
  return {
    sets: calibration.length > 0 ? grouped(calibration, rowsWishOf(own)) : ofRecipe.sets,
    evaluation: evaluation.length > 0 ? evaluation.map(({ label }) => label) : ofRecipe.evaluation
  }
}

/** Files that were given one label are one set. */
function grouped(texts: readonly LabelledText[], rows: RowsWish): SweepSet[] {
  const sets: { label: string; given: boolean; texts: string[] }[] = []
  for (const { label, text, given } of texts) {
    const same = given ? sets.find((set) => set.given && set.label === label) : undefined
    if (same === undefined) sets.push({ label, given, texts: [text] })
    else same.texts.push(text)
  }
  return sets.map(({ label, texts: own }) => ({ label, source: textSource(own, rows, '--calibration') }))
}
