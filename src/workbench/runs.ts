import { stat } from 'node:fs/promises'
import { deletedBytes, deleteWithUndo } from '../services/deletions'
import { labelRun } from '../services/runLabels'
import { getRun, listRuns } from '../services/runService'
import { runFolder } from '../services/services'
import type { RunArtifact, runCalls } from '../shared/contract/runs'
import { listArtifacts } from '../store/artifacts'
import { readLayerResults } from '../store/layerResults'
import { readEvents } from '../store/runEvents'
import { setRunProject } from '../store/runs'
import type { WorkbenchContext } from './context'
import { DELETED } from './deletions'
import type { HandlersOf } from './handler'
import { runEntries, runEntry, titleOf } from './runEntries'
import { logEntry } from './runLog'

/** Runs: lists, one with its results, what a person writes beside them, and their end. */
export const runHandlers = ({ services, emit }: WorkbenchContext): HandlersOf<typeof runCalls> => {
  const { store } = services
  const changed = (id: string | null): void => emit({ type: 'runs.changed', id })
  return {
    async 'runs.list'({ project }) {
      const runs = await listRuns(services, { ...(project !== undefined && { project }) })
      return runEntries(store, runs)
    },
    async 'runs.get'({ id }) {
      const run = await getRun(services, id)
      const artifacts = await Promise.all((await listArtifacts(store, run.id)).map(withPresence))
      return { ...(await runEntry(store, run)), record: run.record, folder: runFolder(services, run.id), artifacts }
    },
    async 'runs.layers'({ id, variant }) {
      return readLayerResults(store, id, { ...(variant !== undefined && { variant }) })
    },
    async 'runs.log'({ id, after, limit }) {
      return (await readEvents(store, id, after, limit)).map(logEntry).filter(({ text }) => text !== '')
    },
    async 'runs.previewDeletion'({ ids }) {
      return deletedBytes(services, { runs: ids })
    },
    async 'runs.delete'({ ids }) {
      const [only] = ids
      const title = ids.length === 1 ? `the run ${titleOf(await getRun(services, only ?? ''))}` : `${ids.length} runs`
      const deletion = await deleteWithUndo(services, title, { runs: ids })
      for (const event of DELETED) emit(event)
      return { deletion }
    },
    async 'runs.setName'({ id, name }) {
      await labelRun(services, id, { name })
      changed(id)
    },
    async 'runs.setNotes'({ id, notes }) {
      await labelRun(services, id, { notes })
      changed(id)
    },
    async 'runs.setTags'({ id, tags }) {
      await labelRun(services, id, { tags })
      changed(id)
    },
    async 'runs.setProject'({ ids, project }) {
      for (const id of ids) await setRunProject(store, id, project)
      changed(null)
    }
  }
}

async function withPresence(artifact: Omit<RunArtifact, 'present'>): Promise<RunArtifact> {
  const present = await stat(artifact.path).then(
    () => true,
    () => false
  )
  return { ...artifact, present }
}
