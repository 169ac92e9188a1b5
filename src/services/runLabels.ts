import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../engine/formats/files'
import { RUN_FILES } from '../shared/runFolder'
import { getRunLabels } from '../store/runLabels'
import { setRunName, setRunNotes, setRunTags } from '../store/runs'
import { runFolder, type Services } from './services'

/** What of a run's labels is changed. */
export interface LabelChange {
  /** An empty one gives the run the name of its recipe back. */
  readonly name?: string
  readonly notes?: string
  readonly tags?: readonly string[]
}

/**
 * Changes what a run is called and what is written beside it, also for a rebuild of the database.
 *
 * @throws {AppError} BAD_INPUT when there is no such run; IO when its folder cannot be written
 */
export async function labelRun(services: Services, id: string, { name, notes, tags }: LabelChange): Promise<void> {
  const { store } = services
  if (name !== undefined) await setRunName(store, id, name)
  if (notes !== undefined) await setRunNotes(store, id, notes)
  if (tags !== undefined) await setRunTags(store, id, tags)
  await keepRunLabels(services, id)
}

/** Writes the labels of a run into its folder. One whose folder is gone has nothing that a rebuild would find. */
export async function keepRunLabels(services: Services, id: string): Promise<void> {
  const folder = runFolder(services, id)
  const isThere = await stat(folder).then(
    () => true,
    () => false
  )
  if (!isThere) return
  const labels = await getRunLabels(services.store, id)
  await writeFileAtomic(join(folder, RUN_FILES.labels), `${JSON.stringify(labels, null, 2)}\n`)
}
