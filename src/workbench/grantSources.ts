import { readPreferences } from '../services/maintenance/preferences'
import { listGrants } from '../store/grantedPaths'
import { listModels } from '../store/models'
import { listRecipes } from '../store/recipes'
import { listRuns } from '../store/runQueries'
import type { WorkbenchContext } from './context'
import type { GrantSource } from './grants'

/** Paths that belong to something registered: the sample, Quail's own folder, and whatever stored runs name. */
export const grantSources = ({ services, installation }: WorkbenchContext): GrantSource[] => [
  async () => [installation.resources, installation.home],
  () => listGrants(services.store),
  async () => (await readPreferences(services.store)).modelFolders,
  async () => (await listModels(services.store)).map(({ directory }) => directory),
  async () =>
    (await listRecipes(services.store)).flatMap(({ recipe }) => [
      recipe.model,
      ...(recipe.base === undefined ? [] : [recipe.base]),
      ...(recipe.calibration.files ?? []),
      ...(recipe.evaluation?.files ?? [])
    ]),
  async () => (await listRuns(services.store)).map(({ out }) => out)
]
