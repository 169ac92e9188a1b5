import { stat } from 'node:fs/promises'
import { folderBytes } from '../services/folderSize'
import { deleteRun, getRun, listRuns } from '../services/runService'
import { runFolder } from '../services/services'
import type { RunArtifact, runCalls } from '../shared/contract/runs'
import { listArtifacts } from '../store/artifacts'
import { readLayerResults } from '../store/layerResults'
import { readEvents } from '../store/runEvents'
import { setRunNotes, setRunProject, setRunTags } from '../store/runs'
import type { WorkbenchContext } from './context'
import type { HandlersOf } from './handler'
import { runEntry } from './runEntries'
import { logEntry } from './runLog'

/** Runs: lists, one with its results, what a person writes beside them, and their end. */
export const runHandlers = ({ services, emit }: WorkbenchContext): HandlersOf<typeof runCalls> => {
  const { store } = services
  const changed = (id: string | null): void => emit({ type: 'runs.changed', id })
  return {
    async 'runs.list'({ project }) {
      return (await listRuns(services, { ...(project !== undefined && { project }) })).map(runEntry)
    },
    async 'runs.get'({ id }) {
      const run = await getRun(services, id)
      const artifacts = await Promise.all((await listArtifacts(store, run.id)).map(withPresence))
      return { ...runEntry(run), record: run.record, folder: runFolder(services, run.id), artifacts }
    },
    async 'runs.layers'({ id, variant }) {
      return readLayerResults(store, id, { ...(variant !== undefined && { variant }) })
    },
    async 'runs.log'({ id, after, limit }) {
      return (await readEvents(store, id, after, limit)).map(logEntry).filter(({ text }) => text !== '')
    },
    async 'runs.previewDeletion'({ ids }) {
      const sizes = await Promise.all(ids.map((id) => folderBytes(runFolder(services, id))))
      return { runs: ids.length, bytes: sizes.reduce((sum, bytes) => sum + bytes, 0) }
    },
    async 'runs.delete'({ ids }) {
      try {
        for (const id of ids) await deleteRun(services, id)
      } finally {
        changed(null)
      }
    },
    async 'runs.setNotes'({ id, notes }) {
      await setRunNotes(store, id, notes)
      changed(id)
    },
    async 'runs.setTags'({ id, tags }) {
      await setRunTags(store, id, tags)
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
