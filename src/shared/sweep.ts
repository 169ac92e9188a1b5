import { z } from 'zod'
import { CalibrationSource, type Recipe } from './recipe'

/*
 * A sweep is a named set of ordinary runs: one for each calibration set and seed. What is swept over beside these, such as
 * ranks, are variants of one recipe, which one pass over the blocks serves. Every run of a sweep carries the whole
 * definition, so that runs that are not there yet, or no more, can be made from any other.
 */

/** A calibration set of a sweep. */
export const SweepSet = z.strictObject({
  label: z.string().min(1).max(200).describe('of texts of its kind'),
  source: CalibrationSource
})
export type SweepSet = z.infer<typeof SweepSet>

/** What a person may call a sweep. */
export const SweepName = z.string().trim().min(1, 'a name is missing').max(120, 'a name has at most 120 characters')

export const MAX_SEEDS = 100

export const SweepDefinition = z.strictObject({
  id: z.string().min(1).max(200),
  name: z.string().min(1).max(200),
  out: z.string().describe('absolute path of the directory of adapters and report'),
  sets: z.array(SweepSet).min(1),
  seeds: z.int().min(1).max(MAX_SEEDS).describe('each takes other rows of the calibration set'),
  evaluation: z.array(z.string()).describe('label of each evaluation text, in their order')
})
export type SweepDefinition = z.infer<typeof SweepDefinition>

/** What a run says of the sweep that it is part of. */
export const SweepMember = z.strictObject({
  index: z.int().min(0).describe('among the runs of the sweep'),
  definition: SweepDefinition
})
export type SweepMember = z.infer<typeof SweepMember>

export const runsOf = ({ sets, seeds }: Pick<SweepDefinition, 'sets' | 'seeds'>): number => sets.length * seeds

/** The calibration set and the seed of a run. */
export function placeOf(
  { sets, seeds }: SweepDefinition,
  index: number
): { readonly set: SweepSet; readonly seed: number } {
  return { set: sets[Math.floor(index / seeds)] as SweepSet, seed: index % seeds }
}

/** `laws, seed 0`: a run of a sweep as people call it. */
export function placeText(definition: SweepDefinition, index: number): string {
  const { set, seed } = placeOf(definition, index)
  return `${set.label}, seed ${seed}`
}

/** What a run of a sweep is called as long as nobody calls it otherwise. */
export const memberName = (definition: SweepDefinition, index: number): string =>
  `${definition.name}: ${placeText(definition, index)}`

/** `laws-seed0`: the directory of its adapters. */
export function placeFolder(definition: SweepDefinition, index: number): string {
  const { set, seed } = placeOf(definition, index)
  return `${set.label.replaceAll(/[^\p{L}\p{N}._-]/gu, '_')}-seed${seed}`
}

/** The recipe of a run of a sweep. Seed k takes the k-th choice of rows, counted from that of the set itself. */
export function memberRecipe(recipe: Recipe, definition: SweepDefinition, index: number): Recipe {
  const { set, seed } = placeOf(definition, index)
  const { draw: first = 0, ...source } = set.source
  const draw = first + seed
  return {
    ...recipe,
    name: memberName(definition, index),
    calibration: { ...source, ...(draw > 0 && { draw }) }
  }
}

/** A recipe's calibration as sets of a sweep: all texts as one, or each file by itself; and the labels of its evaluation. */
export function setsOfRecipe(
  { calibration, evaluation }: Pick<Recipe, 'calibration' | 'evaluation'>,
  each: boolean
): Pick<SweepDefinition, 'sets' | 'evaluation'> {
  const { files = [] } = calibration
  const parts = each && files.length > 1 ? files.map((file) => ({ ...calibration, files: [file] })) : [calibration]
  return {
    sets: parts.map((source) => ({ label: kindOfText(namesOf(source)[0] ?? ''), source })),
    evaluation: namesOf(evaluation).map(kindOfText)
  }
}

const namesOf = (source: Recipe['evaluation']): readonly string[] =>
  source === undefined ? [] : (source.files ?? (source.set === undefined ? [] : [source.set]))

/** What texts are for, as the ends of their names say it. */
const PURPOSE = /[-_. ](calibration|calib|train|training|evaluation|eval|test|validation|valid|heldout|held-out)$/i

/** The kind of a text by its name: `laws` for `texts/laws-calibration.txt`, `laws_test.jsonl` and the set `laws-evaluation`. */
export function kindOfText(name: string): string {
  const base = name.split(/[\\/]/).at(-1) ?? name
  const stem = base.replace(/(?<=.)\.[A-Za-z0-9]{1,6}$/, '')
  return stem.replace(PURPOSE, '') || stem
}
