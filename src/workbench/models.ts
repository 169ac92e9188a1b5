import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { checkpointsIn } from '../services/modelDiscovery/discoverModels'
import { changePreferences } from '../services/preferences'
import type { modelCalls } from '../shared/contract/models'
import { forPurpose } from '../shared/contract/purposes'
import { AppError, badInput } from '../shared/errors'
import { addModel, listModels, removeModel } from '../store/models'
import type { WorkbenchContext } from './context'
import type { HandlersOf } from './handler'
import { ModelCatalog } from './modelCatalog'

/** Checkpoints of this machine: found by themselves, added by the person, inspected. */
export function modelHandlers(
  context: Pick<WorkbenchContext, 'services' | 'installation' | 'grants' | 'emit'>
): HandlersOf<typeof modelCalls> {
  const { services, grants, emit } = context
  const catalog = new ModelCatalog(context)
  grants.addSource(async () => forPurpose('readModel', await catalog.directories()))
  /** Whether the folders that are searched were changed by this. */
  async function changeSearched(change: (folders: readonly string[]) => string[]): Promise<boolean> {
    let before = 0
    const { modelFolders } = await changePreferences(services.store, (now) => {
      before = now.modelFolders.length
      return { modelFolders: change(now.modelFolders) }
    })
    const changed = modelFolders.length !== before
    if (changed) emit({ type: 'settings.changed' })
    return changed
  }
  return {
    'models.list': () => catalog.current(),
    async 'models.scan'(_input, scope) {
      const found = await catalog.scan(scope)
      emit({ type: 'models.changed' })
      return found
    },
    async 'models.get'({ id }, { signal }) {
      const model = await catalog.find(id)
      if (model === undefined) throw badInput('this model is not in the list any more; search again, or add its folder')
      try {
        const inspection = await services.engine.call('inspect', { path: model.directory }, { signal })
        return { model, inspection, failure: null }
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof AppError) || error.code === 'INTERNAL') throw error
        return { model, inspection: null, failure: error.message }
      }
    },
    async 'models.add'({ folder }, { signal }) {
      const path = resolve(folder)
      await assertFolder(path)
      const ids = await checkpointsIn(path, signal)
      await addModel(services.store, path)
      catalog.forget()
      emit({ type: 'models.changed' })
      return { ids, folder: path }
    },
    async 'models.remove'({ folder }) {
      const path = resolve(folder)
      const added = (await listModels(services.store)).find(({ directory }) => directory === path)
      await removeModel(services.store, path)
      const searched = await changeSearched((folders) => folders.filter((one) => resolve(one) !== path))
      catalog.forget()
      emit({ type: 'models.changed' })
      return { folder: path, addedAtMs: added?.addedAtMs ?? null, searched }
    },
    async 'models.restore'({ folder, addedAtMs, searched }) {
      if (addedAtMs !== null) await addModel(services.store, folder, addedAtMs)
      if (searched) await changeSearched((folders) => [...new Set([...folders, folder])])
      catalog.forget()
      emit({ type: 'models.changed' })
    }
  }
}

async function assertFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw badInput(`${path} does not exist`)
  if (!found.isDirectory()) throw badInput(`${path} is a file; the folder that holds the checkpoint is needed`)
}
