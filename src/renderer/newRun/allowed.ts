import { recipePaths } from '../../shared/contract/queue'
import type { Recipe } from '../../shared/recipe'
import { call } from '../api/desktop'

/** Whether what a recipe names may be read; main asks the person about what they never chose. */
export const allowed = (recipe: Recipe): Promise<boolean> => call('app.allow', { named: recipePaths(recipe) })
