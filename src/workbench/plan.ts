import { preflightRecipe } from '../services/preflight'
import type { planCalls } from '../shared/contract/plan'
import { chipKey, toggleChip } from '../shared/variantAxes'
import type { WorkbenchContext } from './context'
import { measureSpeed, readSpeeds } from './deviceSpeeds'
import type { HandlersOf } from './handler'
import { tokenizing } from './tokenizing'

const GIGA = 1e9

/** Plans and preflights of the form. */
export function planHandlers(context: WorkbenchContext): HandlersOf<typeof planCalls> {
  const { services } = context
  return {
    'plan.preflight'({ recipe, out, chips, guess, flopsPerSecond }, { signal, progress }) {
      const toggled = chips.map((chip) => [chipKey(chip), toggleChip(recipe.variants, chip)] as const)
      const alternatives = Object.fromEntries(toggled.filter(([, variants]) => variants.length > 0))
      return preflightRecipe(services, recipe, {
        signal,
        alternatives,
        guess,
        onProgress: tokenizing(progress),
        ...(out !== null && { out }),
        ...(flopsPerSecond !== null && { flopsPerSecond })
      })
    },
    async 'plan.speed'({ device }, { signal }) {
      const known = (await readSpeeds(context))[device]
      if (known === undefined && context.queue.running !== null) return null
      return GIGA * (known ?? (await measureSpeed(context, device, signal))).gflops
    }
  }
}
