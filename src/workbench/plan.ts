import { preflightRecipe } from '../services/preflight'
import type { planCalls } from '../shared/contract/plan'
import type { DeviceName } from '../shared/recipe'
import { chipKey, toggleChip } from '../shared/variantAxes'
import type { WorkbenchContext } from './context'
import type { HandlersOf } from './handler'

/** Plans and preflights of the form. */
export function planHandlers({ services }: WorkbenchContext): HandlersOf<typeof planCalls> {
  const speeds = new Map<DeviceName, Promise<{ flopsPerSecond: number }>>()

  /** Measured once for as long as the process lives; a measurement that failed may be tried again. */
  function speedOf(device: DeviceName): Promise<{ flopsPerSecond: number }> {
    const known = speeds.get(device)
    if (known !== undefined) return known
    const measured = services.engine.call('measure', { device })
    speeds.set(device, measured)
    measured.catch(() => speeds.delete(device))
    return measured
  }

  return {
    'plan.preflight'({ recipe, out, chips, guess, flopsPerSecond }, { signal }) {
      const toggled = chips.map((chip) => [chipKey(chip), toggleChip(recipe.variants, chip)] as const)
      const alternatives = Object.fromEntries(toggled.filter(([, variants]) => variants.length > 0))
      return preflightRecipe(services, recipe, {
        signal,
        alternatives,
        guess,
        ...(out !== null && { out }),
        ...(flopsPerSecond !== null && { flopsPerSecond })
      })
    },
    'plan.measure': ({ device }) => speedOf(device)
  }
}
