import { type Recipe, rowsWishOf, USUAL_ROWS } from '../../shared/recipe'

/** The names of the parts of a set. */
interface Parts {
  readonly calibration: string
  readonly evaluation: string
}

/** The recipe with the parts of its set in the set's place: one to calibrate on, the other to evaluate on. */
export const withHeldOut = (recipe: Recipe, { calibration, evaluation }: Parts): Recipe => ({
  ...recipe,
  calibration: { set: calibration, ...rowsWishOf(recipe.calibration) },
  evaluation: { set: evaluation, ...(recipe.evaluation ? rowsWishOf(recipe.evaluation) : { rows: USUAL_ROWS }) }
})
