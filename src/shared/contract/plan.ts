import { z } from 'zod'
import type { Preflight } from '../plan'
import { DeviceName, Recipe } from '../recipe'
import { Chip } from '../variantAxes'
import { call } from './call'
import { forPurpose } from './purposes'
import { recipePaths } from './queue'

export const planCalls = {
  /** What a run of the recipe would do and need, and what speaks against it; `alternatives` says what chips would cost. */
  'plan.preflight': call<Preflight>()(
    z.strictObject({
      recipe: Recipe,
      /** Null: a folder of its own below Quail's. */
      out: z.string().min(1).nullable(),
      chips: z.array(Chip).max(200).default([]),
      /** A first idea from the sizes of the texts; its findings about them are guesses. */
      guess: z.boolean().default(false),
      flopsPerSecond: z.number().positive().nullable()
    }),
    { paths: ({ recipe, out }) => [...recipePaths(recipe), ...forPurpose('writeFolder', out === null ? [] : [out])] }
  ),
  /**
   * Speed of a device, flops per second: as measured before, else measured now; null while that would disturb a run.
   */
  'plan.speed': call<number | null>()(z.strictObject({ device: DeviceName }))
} as const
