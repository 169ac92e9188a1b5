import type { Finding } from '../../shared/findings'
import type { Cost, Plan } from '../../shared/plan'
import type { Recipe } from '../../shared/recipe'
import { memberRecipe, runsOf, type SweepDefinition } from '../../shared/sweep'
import { type PlanOptions, planRecipe } from '../runService'
import type { Services } from '../services'

/** What a sweep would do and need. */
export interface SweepPlan extends Cost {
  readonly runs: number
  /** Of one run of each calibration set: the one with the last choice of rows, which asks most of a text. */
  readonly sets: readonly { readonly label: string; readonly plan: Plan }[]
  /** Of all sets, each sentence once. */
  readonly findings: readonly Finding[]
}

/**
 * What the runs of a sweep would do and need, one after the other; nothing is stored.
 *
 * @throws {AppError} what any of the runs would throw at its start
 */
export async function planSweep(
  services: Services,
  recipe: Recipe,
  definition: SweepDefinition,
  { measure = false, ...options }: PlanOptions & { measure?: boolean } = {}
): Promise<SweepPlan> {
  const { seeds } = definition
  const sets: { label: string; plan: Plan }[] = []
  for (const [place, { label }] of definition.sets.entries()) {
    const last = memberRecipe(recipe, definition, place * seeds + seeds - 1)
    sets.push({ label, plan: await planRecipe(services, last, { ...options, measure }) })
  }
  const sum = (of: (plan: Plan) => number): number => seeds * sets.reduce((total, { plan }) => total + of(plan), 0)
  const most = (of: (plan: Plan) => number): number => Math.max(...sets.map(({ plan }) => of(plan)))
  const found = new Map(sets.flatMap(({ plan }) => plan.findings).map((finding) => [finding.message, finding]))
  return {
    runs: runsOf(definition),
    seconds: sum(({ seconds }) => seconds),
    peakMemoryBytes: most(({ peakMemoryBytes }) => peakMemoryBytes),
    spoolBytes: most(({ spoolBytes }) => spoolBytes),
    adapterBytes: sum(({ adapterBytes }) => adapterBytes),
    sets,
    findings: [...found.values()]
  }
}
