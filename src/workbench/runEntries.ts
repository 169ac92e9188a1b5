import type { Run } from '../services/runService'
import type { RunListEntry } from '../shared/contract/runs'
import { readWorkedMs } from '../store/comparison'
import type { RunSummary } from '../store/runQueries'
import type { Store } from '../store/schema'

/** What a run is called. */
export const titleOf = ({ name, id }: Pick<RunSummary, 'name' | 'id'>): string => name ?? id

/** Runs as lists show them. */
export async function runEntries(store: Store, runs: readonly Run<RunSummary>[]): Promise<RunListEntry[]> {
  const worked = await readWorkedMs(
    store,
    runs.map(({ id }) => id)
  )
  return runs.map((run) => entryOf(run, worked.get(run.id) ?? null))
}

/** A run as lists show it. */
export const runEntry = async (store: Store, run: Run<RunSummary>): Promise<RunListEntry> =>
  (await runEntries(store, [run]))[0] as RunListEntry

const entryOf = (run: Run<RunSummary>, workedMs: number | null): RunListEntry => ({
  id: run.id,
  title: titleOf(run),
  project: run.project,
  status: run.status,
  attempt: run.attempt,
  createdAtMs: run.createdAtMs,
  finishedAtMs: run.finishedAtMs,
  workedMs,
  model: run.model,
  out: run.out,
  variants: run.variants,
  perplexity: run.perplexity,
  error: run.error ?? null,
  notes: run.notes,
  tags: run.tags,
  queuePosition: run.queuePosition
})
