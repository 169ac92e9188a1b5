import type { ProjectCard, ProjectResult, projectCalls } from '../shared/contract/projects'
import { createProject, listProjects, renameProject, setProjectArchived, setProjectNotes } from '../store/projects'
import { listRuns, type RunSummary } from '../store/runs'
import { bestResult } from './bestResult'
import type { WorkbenchContext } from './context'
import type { HandlersOf } from './handler'

/** Projects with what their newest completed run reached. */
export const projectHandlers = ({ services, emit }: WorkbenchContext): HandlersOf<typeof projectCalls> => ({
  async 'projects.list'() {
    const [projects, runs] = await Promise.all([listProjects(services.store), listRuns(services.store)])
    return projects.map(
      (project): ProjectCard => ({
        ...project,
        notes: '',
        archivedAtMs: null,
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
  async 'projects.setNotes'({ id, notes }) {
    await setProjectNotes(services.store, id, notes)
    emit({ type: 'projects.changed' })
  }
})

function lastResult(project: string, runs: readonly RunSummary[]): ProjectResult | null {
  const run = runs.find((one) => one.project === project && one.status === 'completed')
  if (run === undefined) return null
  return {
    run: run.id,
    title: run.name ?? run.id,
    finishedAtMs: run.finishedAtMs ?? run.createdAtMs,
    model: run.model,
    best: bestResult(run.perplexity)
  }
}
