import { z } from 'zod'
import { Recipe } from '../recipe'
import { MAX_SEEDS, SweepName } from '../sweep'
import type { Sweep } from '../sweep/results'
import { call } from './call'
import type { Deleted } from './deletions'
import { Id } from './ids'
import { forPurpose } from './purposes'
import { recipePaths } from './queue'
import type { DeletionPreview } from './runs'

export const sweepCalls = {
  /** All sweeps of which a run is left, the newest first. */
  'sweeps.list': call<Sweep[]>()(z.strictObject({})),
  'sweeps.get': call<Sweep>()(z.strictObject({ id: Id })),
  /**
   * Puts the runs of a new sweep at the end of the queue, after a look at what would keep them from succeeding. `each`: every
   * calibration file is a set of its own.
   */
  'sweeps.start': call<{ id: string }>()(
    z.strictObject({
      recipe: Recipe,
      name: SweepName,
      seeds: z.int().min(1).max(MAX_SEEDS),
      each: z.boolean(),
      project: Id.optional(),
      out: z.string().min(1).optional()
    }),
    {
      paths: ({ recipe, out }) => [...recipePaths(recipe), ...forPurpose('writeFolder', out === undefined ? [] : [out])]
    }
  ),
  /** Puts the runs that are not completed back into the queue, and makes those that are not there. */
  'sweeps.resume': call<void>()(z.strictObject({ id: Id })),
  /** Stops the run that is worked on, and takes the others out of the queue; `sweeps.resume` puts them back. */
  'sweeps.stop': call<void>()(z.strictObject({ id: Id })),
  /** Tables and figures, written into the sweep's directory. */
  'sweeps.report': call<{ files: string[] }>()(z.strictObject({ id: Id })),
  /** Runs that are called as the sweep made them are called anew, too. */
  'sweeps.rename': call<void>()(z.strictObject({ id: Id, name: SweepName })),
  'sweeps.previewDeletion': call<DeletionPreview>()(z.strictObject({ id: Id })),
  /** With its runs; also one whose runs do not belong together. */
  'sweeps.delete': call<Deleted>()(z.strictObject({ id: Id }))
} as const
