import { z } from 'zod'
import type { LayerResult, Perplexities, Phase, RunStatus } from '../runEvents'
import { RunName, RunNotes, type RunRecord, RunTags } from '../runFolder'
import { call } from './call'
import type { Deleted } from './deletions'
import { Id } from './ids'

/** How far a run is, as often as the window can show it. */
export interface RunProgress {
  readonly run: string
  readonly title: string
  readonly phase: Phase
  /** Of the phase. */
  readonly done: number
  readonly total: number
  /** Of the whole run, from 0 to 1; never goes back. */
  readonly share: number
  readonly blocksDone: number
  readonly blocks: number
  readonly layersDone: number
  /** What is refined now; null outside of the steps of a refinement. */
  readonly refining: RefiningProgress | null
  /** To the end of the run, from the blocks of this session alone; null while they do not tell it. */
  readonly remainingMs: { readonly low: number; readonly high: number } | null
  /** Calibration tokens through one block; null before the first is done. */
  readonly tokensPerSecond: number | null
  /** Resident set of the engine's process. */
  readonly memoryBytes: number
  readonly startedAtMs: number
}

/** How far the refinement of one variant is. */
export interface RefiningProgress {
  readonly variant: string
  /** The one that is worked on, from 1 on. */
  readonly step: number
  readonly steps: number
  /** How often the held-out rows were asked; 0 while this session has not asked them. */
  readonly checks: number
  /** Divergence on the held-out rows: of the start, and the least so far; null while this session has not measured it. */
  readonly start: number | null
  readonly least: number | null
}

export interface RunVariant {
  readonly name: string
  readonly method: string
  readonly rank: number
  readonly quantizer: string
  /** Directory of the adapter; null until it is written. */
  readonly adapter: string | null
}

/** A line of the list of runs. */
export interface RunListEntry {
  readonly id: string
  /** The recipe's name, or the id. */
  readonly title: string
  readonly project: string
  readonly status: RunStatus
  readonly attempt: number
  readonly createdAtMs: number
  readonly finishedAtMs: number | null
  /** Time that processes worked on it, over all attempts; null while none has begun. */
  readonly workedMs: number | null
  /** Directory of the checkpoint. */
  readonly model: string
  readonly out: string
  readonly variants: readonly RunVariant[]
  /** By evaluation text; empty until they are measured. */
  readonly perplexity: Readonly<Record<string, Perplexities>>
  readonly error: { readonly code: string; readonly message: string; readonly stack?: string | undefined } | null
  readonly notes: string
  readonly tags: readonly string[]
  readonly queuePosition: number | null
}

export interface RunDetail extends RunListEntry {
  readonly record: RunRecord
  /** Directory of journal, factors and hidden states. */
  readonly folder: string
  readonly artifacts: readonly RunArtifact[]
}

export interface RunArtifact {
  readonly variant: string
  readonly path: string
  readonly bytes: number | null
  readonly sha256: string | null
  /** Whether the adapter still lies there. */
  readonly present: boolean
}

/** The proof for one linear and one variant. */
export interface RunLayer {
  readonly variant: string
  readonly block: number | null
  readonly result: LayerResult
}

/** One line of a run's log, without the figures of layers. */
export interface RunLogEntry {
  readonly position: number
  readonly attempt: number
  readonly atMs: number
  readonly type: string
  readonly text: string
}

export interface DeletionPreview {
  readonly runs: number
  /** Of the run folders; exported adapters are not touched. */
  readonly bytes: number
}

const Ids = z.array(Id).min(1).max(10_000)

export const runCalls = {
  'runs.list': call<RunListEntry[]>()(z.strictObject({ project: Id.optional() })),
  'runs.get': call<RunDetail>()(z.strictObject({ id: Id })),
  'runs.layers': call<RunLayer[]>()(z.strictObject({ id: Id, variant: z.string().max(200).optional() })),
  'runs.log': call<RunLogEntry[]>()(
    z.strictObject({ id: Id, after: z.int().min(-1).default(-1), limit: z.int().min(1).max(5000).default(1000) })
  ),
  'runs.previewDeletion': call<DeletionPreview>()(z.strictObject({ ids: Ids })),
  'runs.delete': call<Deleted>()(z.strictObject({ ids: Ids })),
  /** An empty name gives the run that of its recipe back. */
  'runs.setName': call<void>()(z.strictObject({ id: Id, name: RunName })),
  'runs.setNotes': call<void>()(z.strictObject({ id: Id, notes: RunNotes })),
  'runs.setTags': call<void>()(z.strictObject({ id: Id, tags: RunTags })),
  'runs.setProject': call<void>()(z.strictObject({ ids: Ids, project: Id }))
} as const
