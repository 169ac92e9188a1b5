import type { Run } from '../services/runService'
import type { RunListEntry } from '../shared/contract/runs'
import type { RunSummary } from '../store/runs'

/** A run as lists show it. */
export const runEntry = (run: Run<RunSummary>): RunListEntry => ({
  id: run.id,
  title: run.name ?? run.id,
  project: run.project,
  status: run.status,
  attempt: run.attempt,
  createdAtMs: run.createdAtMs,
  finishedAtMs: run.finishedAtMs,
  model: run.model,
  out: run.out,
  variants: run.variants,
  perplexity: run.perplexity,
  error: run.error ?? null,
  notes: run.notes,
  tags: run.tags,
  queuePosition: run.queuePosition
})
