import type { Variant } from './recipe'

/** What was done with a variant beside its method and rank: variants that differ in it are no one series. */
export interface Treatment {
  readonly refined: boolean
  /** Whether its linears may have ranks of their own. */
  readonly ranksByLayer?: boolean
}

/** Of a variant of a recipe; undefined where the recipe does not have it. */
export const treatmentOf = (spec: Variant | undefined): Treatment => ({
  refined: spec?.refine !== undefined,
  ...(spec?.rankBudget !== undefined && { ranksByLayer: true })
})

/** `exact, ranks by layer, refined`. */
export const treatedName = (method: string, { refined, ranksByLayer = false }: Treatment): string =>
  [method, ...(ranksByLayer ? ['ranks by layer'] : []), ...(refined ? ['refined'] : [])].join(', ')

/** What tells treatments apart, to group by. */
export const treatmentKey = ({ refined, ranksByLayer = false }: Treatment): string =>
  `${ranksByLayer ? 'ranks by layer' : 'one rank'}, ${refined ? 'refined' : 'as found'}`
