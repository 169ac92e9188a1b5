import { readPreferences } from '../services/preferences'
import { forPurpose } from '../shared/contract/purposes'
import { listGrants } from '../store/grantedPaths'
import { adaptersDirectory } from '../store/home'
import { listModels } from '../store/models'
import { listRuns } from '../store/runQueries'
import type { WorkbenchContext } from './context'
import type { GrantSource } from './grants'
import { sampleFiles } from './sampleFiles'

/**
 * What is granted without being chosen now: the sample, what was granted before, folders that the person has searched, and
 * what runs wrote. What a stored recipe names is not: it may have come in a bundle.
 */
export const grantSources = ({ services, installation }: WorkbenchContext): GrantSource[] => [
  async () => {
    const { model, texts } = sampleFiles(installation)
    return [...forPurpose('readModel', [model]), ...forPurpose('readText', texts)]
  },
  async () => [
    ...forPurpose('reveal', [installation.resources, services.home]),
    ...forPurpose('readAdapter', [adaptersDirectory(services.home)])
  ],
  () => listGrants(services.store),
  async () => forPurpose('readModel', (await readPreferences(services.store)).modelFolders),
  async () => {
    const added = (await listModels(services.store)).filter(({ addedAtMs }) => addedAtMs !== null)
    return forPurpose(
      'readModel',
      added.map(({ directory }) => directory)
    )
  },
  async () =>
    forPurpose(
      'readAdapter',
      (await listRuns(services.store)).map(({ out }) => out)
    )
]
