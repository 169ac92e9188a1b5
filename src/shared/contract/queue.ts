import { z } from 'zod'
import { Recipe, type TextSource } from '../recipe'
import { call } from './call'
import { Id } from './ids'
import { forPurpose, type NamedPath } from './purposes'
import type { RunListEntry, RunProgress } from './runs'

export interface QueueState {
  readonly running: RunListEntry | null
  readonly progress: RunProgress | null
  /** In the order in which they will be worked on. */
  readonly waiting: readonly RunListEntry[]
  /** Whether the queue was paused: nothing is started until it goes on. */
  readonly held: boolean
}

/** Every path that a recipe names, with what a run does there. */
export const recipePaths = (recipe: Recipe): (NamedPath & { purpose: 'readModel' | 'readText' })[] => {
  const files = (source: TextSource | undefined): string[] => source?.files ?? []
  const base = recipe.base === undefined ? [] : [recipe.base]
  return [
    ...forPurpose('readModel', [recipe.model, ...base]),
    ...forPurpose('readText', [...files(recipe.calibration), ...files(recipe.evaluation)])
  ]
}

export const queueCalls = {
  'queue.state': call<QueueState>()(z.strictObject({})),
  /** Puts a run at the end of the queue; `out` is where its adapters go, default a folder of Quail's own. */
  'queue.enqueue': call<{ id: string }>()(
    z.strictObject({ recipe: Recipe, project: Id.optional(), out: z.string().min(1).optional() }),
    {
      paths: ({ recipe, out }) => [...recipePaths(recipe), ...forPurpose('writeFolder', out === undefined ? [] : [out])]
    }
  ),
  /**
   * Puts an interrupted, cancelled or failed run back; it goes on after its last finished block. `out`: another directory for
   * its adapters, where the first cannot be written.
   */
  'queue.resume': call<void>()(z.strictObject({ id: Id, out: z.string().min(1).optional() }), {
    paths: ({ out }) => forPurpose('writeFolder', out === undefined ? [] : [out])
  }),
  /** Stops a run within seconds, or takes it out of the queue. */
  'queue.cancel': call<void>()(z.strictObject({ id: Id })),
  /** Pauses the queue at the present run's next checkpoint, or lets it go on. */
  'queue.hold': call<void>()(z.strictObject({ held: z.boolean() })),
  'queue.reorder': call<void>()(z.strictObject({ ids: z.array(Id).max(10_000) }))
} as const
