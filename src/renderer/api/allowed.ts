import { forPurpose } from '../../shared/contract/purposes'
import { recipePaths } from '../../shared/contract/queue'
import type { Recipe } from '../../shared/recipe'
import { call } from './desktop'

/** Whether what a recipe names may be read; main asks the person about what they never chose. */
export const allowed = (recipe: Recipe): Promise<boolean> => call('app.allow', { named: recipePaths(recipe) })

/** The same for the checkpoint of a run, which may have come in a bundle. */
export const allowedModel = (model: string): Promise<boolean> =>
  call('app.allow', { named: forPurpose('readModel', [model]) })
