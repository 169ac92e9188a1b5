import { useCallback } from 'react'
import { useLocation } from 'wouter'
import { call } from '../api/desktop'
import { useAction } from '../api/hooks'
import { confirm } from '../components/confirm'
import { notifyDone, notifyError, notifyOffer } from '../components/notify'
import { plural } from '../format/numbers'
import { baseName } from '../format/paths'
import { modelAddress } from './modelText'

export interface Folders {
  /** Adds a folder that was chosen or dropped; a single checkpoint is shown at once. */
  readonly add: (folder: string) => void
  /** Asks for a folder and adds it. */
  readonly choose: () => Promise<void>
  /** Takes a folder out of the list, after asking. */
  readonly remove: (folder: string) => Promise<void>
  readonly adding: boolean
}

/** Folders that the person adds to the search for models. */
export function useFolders(): Folders {
  const [, navigate] = useLocation()
  const { mutate: mutateAdd, isPending: adding } = useAction('models.add', ({ ids, folder }) => {
    const [only] = ids
    notifyDone(`${plural(ids.length, 'model')} found in ${baseName(folder)}`)
    if (ids.length === 1 && only !== undefined) navigate(modelAddress(only))
  })
  const { mutate: mutateRestore } = useAction('models.restore', (_, { folder }) =>
    notifyDone(`${baseName(folder)} is searched again`)
  )
  const { mutate: mutateRemove } = useAction('models.remove', (removed) =>
    notifyOffer(`${baseName(removed.folder)} is not searched any more`, 'Its files are untouched.', {
      label: 'Undo',
      onClick: () =>
        mutateRestore(removed, { onError: (error) => notifyError('The folder was not brought back', error) })
    })
  )
  const add = useCallback(
    (folder: string) => mutateAdd({ folder }, { onError: (error) => notifyError('The folder was not added', error) }),
    [mutateAdd]
  )
  return {
    add,
    adding,
    async choose() {
      const [folder] = await call('app.pick', { kind: 'model' })
      if (folder !== undefined) add(folder)
    },
    async remove(folder) {
      const agreed = await confirm({
        title: `Remove ${baseName(folder)} from the list?`,
        body: `${await lossWithout(folder)} No file is deleted, and runs keep their results.`,
        confirm: 'Remove from list',
        danger: false
      })
      if (agreed) mutateRemove({ folder }, { onError: (error) => notifyError('The folder was not removed', error) })
    }
  }
}

/** What the list loses with a folder, as a sentence: what is found from elsewhere, too, stays in it. */
async function lossWithout(folder: string): Promise<string> {
  // Where the list cannot be read, nothing of it is lost.
  const { places } = await call('models.list', {}).catch(() => ({ places: [] }))
  const { models, onlyHere } = places.find(({ path }) => path === folder) ?? { models: 0, onlyHere: 0 }
  if (models === 0) return `No model was found in ${folder}.`
  if (onlyHere === 0) return `What is in ${folder} stays listed, since it is found from another place, too.`
  return `${plural(onlyHere, 'model')} of ${folder} will not be listed any more.`
}
