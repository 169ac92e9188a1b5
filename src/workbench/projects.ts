import type { ProjectCard, ProjectResult, projectCalls } from '../shared/contract/projects'
import { createProject, listProjects, renameProject, setProjectArchived, setProjectNotes } from '../store/projects'
import { listRuns, type RunSummary } from '../store/runs'
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
    best: bestOf(run)
  }
}

/** The variant with the lowest perplexity on the first evaluation text. */
function bestOf({ perplexity }: RunSummary): ProjectResult['best'] {
  const [text, measured] = Object.entries(perplexity)[0] ?? []
  if (text === undefined || measured === undefined) return null
  const [variant, value] = Object.entries(measured.variants).sort(([, a], [, b]) => a - b)[0] ?? []
  if (variant === undefined || value === undefined) return null
  return { variant, text, fullPrecision: measured.fullPrecision, quantized: measured.quantized, perplexity: value }
}
