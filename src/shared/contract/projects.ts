import { z } from 'zod'
import type { Headline } from '../headline'
import type { ProvenVariant } from '../proof'
import { call } from './call'
import type { Deleted } from './deletions'
import { Id } from './ids'
import type { DeletionPreview } from './runs'

export interface ProjectCard {
  readonly id: string
  readonly name: string
  readonly notes: string
  readonly createdAtMs: number
  readonly archivedAtMs: number | null
  readonly runs: number
  /** The newest run that is completed, with what it reached. */
  readonly lastResult: ProjectResult | null
}

export interface ProjectResult {
  readonly run: string
  readonly title: string
  readonly finishedAtMs: number
  readonly model: string
  /** Null when no perplexity was measured. */
  readonly headline: Headline<ProvenVariant> | null
}

const Name = z.string().trim().min(1).max(120)

export const projectCalls = {
  'projects.list': call<ProjectCard[]>()(z.strictObject({})),
  'projects.create': call<{ id: string }>()(z.strictObject({ name: Name })),
  'projects.rename': call<void>()(z.strictObject({ id: Id, name: Name })),
  'projects.setArchived': call<void>()(z.strictObject({ id: Id, archived: z.boolean() })),
  /** Queues a run of every method on the model and texts that come with Quail, in a project of its own. */
  'projects.startSample': call<{ project: string; run: string }>()(z.strictObject({})),
  'projects.setNotes': call<void>()(z.strictObject({ id: Id, notes: z.string().max(20_000) })),
  'projects.previewDeletion': call<DeletionPreview>()(z.strictObject({ id: Id })),
  /** With its runs. */
  'projects.delete': call<Deleted>()(z.strictObject({ id: Id }))
} as const
