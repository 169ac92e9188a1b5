import { deletedBytes, deleteWithUndo } from '../services/deletions'
import { defaultOut, preflightRecipe } from '../services/preflight'
import { sampleRecipe } from '../services/sampleRecipe'
import type { ProjectCard, ProjectResult, projectCalls } from '../shared/contract/projects'
import { assertCanEnd } from '../shared/findings'
import { headlineOf } from '../shared/headline'
import {
  createProject,
  getProject,
  listProjects,
  renameProject,
  setProjectArchived,
  setProjectNotes
} from '../store/projects'
import { listRuns, type RunSummary } from '../store/runQueries'
import type { Store } from '../store/schema'
import type { WorkbenchContext } from './context'
import { DELETED } from './deletions'
import type { HandlersOf } from './handler'

/** Projects with what their newest completed run reached. */
export const projectHandlers = ({
  services,
  queue,
  installation,
  emit
}: WorkbenchContext): HandlersOf<typeof projectCalls> => ({
  async 'projects.list'() {
    const [projects, runs] = await Promise.all([listProjects(services.store), listRuns(services.store)])
    return projects.map(
      (project): ProjectCard => ({
        ...project,
        lastResult: lastResult(project.id, runs)
      })
    )
  },
  async 'projects.create'({ name }) {
    const id = await createProject(services.store, name)
    emit({ type: 'projects.changed' })
    return { id }
  },
  async 'projects.rename'({ id, name }) {
    await renameProject(services.store, id, name)
    emit({ type: 'projects.changed' })
  },
  async 'projects.setArchived'({ id, archived }) {
    await setProjectArchived(services.store, id, archived ? Date.now() : null)
    emit({ type: 'projects.changed' })
  },
  async 'projects.startSample'(_input, { signal }) {
    const recipe = sampleRecipe(installation.resources)
    // Nobody sees a form of it, where findings would be.
    assertCanEnd((await preflightRecipe(services, recipe, { signal, guess: true })).findings)
    const project = await sampleProject(services.store)
    const run = await queue.enqueue(recipe, (id) => defaultOut(services, id), project)
    emit({ type: 'projects.changed' })
    return { project, run }
  },
  async 'projects.setNotes'({ id, notes }) {
    await setProjectNotes(services.store, id, notes)
    emit({ type: 'projects.changed' })
  },
  'projects.previewDeletion': ({ id }) => deletedBytes(services, { projects: [id] }),
  async 'projects.delete'({ id }) {
    const project = await getProject(services.store, id)
    const deletion = await deleteWithUndo(services, `the project ${project.name}`, { projects: [id] })
    for (const event of DELETED) emit(event)
    return { deletion }
  }
})

const SAMPLE_PROJECT = 'Sample'

/** The id of the sample's project, which is made when it is not there. */
async function sampleProject(store: Store): Promise<string> {
  const found = (await listProjects(store)).find(({ name }) => name === SAMPLE_PROJECT)
  if (found === undefined) return createProject(store, SAMPLE_PROJECT)
  if (found.archivedAtMs !== null) await setProjectArchived(store, found.id, null)
  return found.id
}

function lastResult(project: string, runs: readonly RunSummary[]): ProjectResult | null {
  const run = runs.find((one) => one.project === project && one.status === 'completed')
  if (run === undefined) return null
  return {
    run: run.id,
    title: run.name ?? run.id,
    finishedAtMs: run.finishedAtMs ?? run.createdAtMs,
    model: run.model,
    headline: headlineOf(run) ?? null
  }
}
