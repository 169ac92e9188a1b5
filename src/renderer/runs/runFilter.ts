import type { RunListEntry } from '../../shared/contract/runs'
import { modelName } from '../../shared/modelName'
import type { RunStatus } from '../../shared/runEvents'

/** Which runs are shown; lies in the address, so that Back and a restart find it again. */
export interface RunFilter {
  readonly search: string
  readonly state: StateGroup
  /** Id of a project; null for all. */
  readonly project: string | null
  readonly tag: string | null
}

export const NO_FILTER: RunFilter = { search: '', state: 'all', project: null, tag: null }

/** States as people ask for them: what works, what is done, what wants a decision. */
export type StateGroup = 'all' | 'active' | 'completed' | 'stopped'

const GROUPS: Readonly<Record<RunStatus, Exclude<StateGroup, 'all'>>> = {
  queued: 'active',
  running: 'active',
  completed: 'completed',
  interrupted: 'stopped',
  cancelled: 'stopped',
  failed: 'stopped'
}

/** The filter of an address's query. */
export function parseFilter(query: string): RunFilter {
  const parameters = new URLSearchParams(query)
  const state = parameters.get('state')
  return {
    search: parameters.get('q') ?? '',
    state: state === 'active' || state === 'completed' || state === 'stopped' ? state : 'all',
    project: parameters.get('project'),
    tag: parameters.get('tag')
  }
}

/** The address of the page under a filter. */
export function filterAddress({ search, state, project, tag }: RunFilter): string {
  const parameters = new URLSearchParams()
  if (search !== '') parameters.set('q', search)
  if (state !== 'all') parameters.set('state', state)
  if (project !== null) parameters.set('project', project)
  if (tag !== null) parameters.set('tag', tag)
  const query = parameters.toString()
  return query === '' ? '/runs' : `/runs?${query}`
}

/**
 * The runs that pass everything but the state, and those of them in the state: what is shown. Runs of archived projects
 * are shown when their project is asked for.
 */
export function filterRuns(
  runs: readonly RunListEntry[],
  { search, state, project, tag }: RunFilter,
  archived: ReadonlySet<string> = NONE
) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const inScope = runs.filter(
    (run) =>
      (project === null ? !archived.has(run.project) : run.project === project) &&
      (tag === null || run.tags.includes(tag)) &&
      (words.length === 0 || words.every((word) => searchText(run).includes(word)))
  )
  return { inScope, shown: state === 'all' ? inScope : inScope.filter(({ status }) => GROUPS[status] === state) }
}

const NONE: ReadonlySet<string> = new Set()

/** How many runs are in each group of states. */
export function countStates(runs: readonly RunListEntry[]): Readonly<Record<StateGroup, number>> {
  const counts = { all: runs.length, active: 0, completed: 0, stopped: 0 }
  for (const { status } of runs) counts[GROUPS[status]]++
  return counts
}

/** Every tag that some run carries, by name. */
export const allTags = (runs: readonly RunListEntry[]): string[] =>
  [...new Set(runs.flatMap(({ tags }) => tags))].sort((a, b) => a.localeCompare(b))

/** Made once per run: lists are new objects only when something in them changed. */
const texts = new WeakMap<RunListEntry, string>()

function searchText(run: RunListEntry): string {
  const known = texts.get(run)
  if (known !== undefined) return known
  const { id, title, model, variants, tags, notes } = run
  const text = [id, title, modelName(model), ...variants.map(({ name }) => name), ...tags, notes]
    .join('\n')
    .toLowerCase()
  texts.set(run, text)
  return text
}
