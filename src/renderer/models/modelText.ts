import type { ModelDetails } from '../../shared/contract/models'
import type { FoundModel, ModelSource, ModelStatus } from '../../shared/models'

/** `org/name`, with the revision of a snapshot that is not the newest: `org/name @ c0ffee1`. */
export function fullName({ organisation, name, source, revision, refs }: FoundModel): string {
  if (source === 'sample') return name
  const base = organisation === null ? name : `${organisation}/${name}`
  return revision === null || refs.includes('main') ? base : `${base} @ ${revision.slice(0, 7)}`
}

export const SOURCE_LABELS: Readonly<Record<ModelSource, string>> = {
  sample: 'Comes with Quail',
  cache: 'Hugging Face cache',
  folder: 'Added folder'
}

/** What is not usable may be of a family that Quail does not know, or damaged, or no checkpoint at all. */
export const STATUS_LABELS: Readonly<Record<ModelStatus, string>> = {
  ready: 'Ready',
  incomplete: 'Not complete',
  unsupported: 'Not usable'
}

/** A problem without the directory, which stands beside it. */
export const shortProblem = ({ directory }: Pick<FoundModel, 'directory'>, problem: string): string =>
  problem.replaceAll(`${directory}/`, '').replaceAll(directory, 'this folder')

/** Characters of a problem that a line of the list has room for; the model's page shows all of it. */
const BRIEF = 140

/** A problem in a line of the list: some name every key in which a config differs. */
export function briefProblem(model: Pick<FoundModel, 'directory'>, problem: string): string {
  const short = shortProblem(model, problem)
  return short.length <= BRIEF ? short : `${short.slice(0, BRIEF - 1).trimEnd()}…`
}

/** What the folder says, what the headers say, and what only a closer look shows; each sentence once. */
export function problemsOf({ model, inspection, failure }: ModelDetails): string[] {
  const closer = failure === null ? (inspection?.problems ?? []) : [failure]
  const fromList = closer.length > 0 && model.status === 'unsupported' ? [] : model.problems
  return [...new Set([...fromList, ...closer])]
}

/** The page of a model. */
export const modelAddress = (id: string): string => `/models/${id}`

/** The page where a run with this model is set up. */
export const newRunAddress = (directory: string): string => `/new?model=${encodeURIComponent(directory)}`

/** True when every word stands in the name, family, dtype or state. */
export function fitsSearch(model: FoundModel, query: string): boolean {
  const text = [fullName(model), model.family ?? '', model.dtypes.join(' '), STATUS_LABELS[model.status]]
    .join(' ')
    .toLowerCase()
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

/** Where what is not found may be. */
export const ALL_MODELS = { label: 'Go to Models', to: '/models' } as const
