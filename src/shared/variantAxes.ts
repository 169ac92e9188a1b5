import { z } from 'zod'
import { METHOD_OPTIONS, METHODS, MethodName, type MethodOptionName, readsOption } from './methods'
import { quantizerKey } from './quantizerWords'
import { RankBudget, rankBudgetKey } from './rankBudget'
import { QuantizerSpec, type Variant } from './recipe'
import { Refinement, refinementKey } from './refinement'

/*
 * Variants as a grid: each axis (method, rank, scaling, quantizer, ranks of layers, refinement) has the values that any variant has. Switching a value
 * on adds it to every combination of the others; switching it off removes the variants that have it. So a list of variants
 * that is no full grid can be edited the same way.
 */

/** One value on one axis. */
export const Chip = z.discriminatedUnion('axis', [
  z.strictObject({ axis: z.literal('method'), method: MethodName }),
  z.strictObject({ axis: z.literal('rank'), rank: z.int().min(1) }),
  z.strictObject({ axis: z.literal('scaling'), alpha: z.number().positive(), rslora: z.boolean() }),
  z.strictObject({ axis: z.literal('quantizer'), quantizer: QuantizerSpec }),
  z.strictObject({ axis: z.literal('ranks'), rankBudget: RankBudget.nullable() }),
  z.strictObject({ axis: z.literal('refinement'), refine: Refinement.nullable() })
])
export type Chip = z.infer<typeof Chip>
export type Axis = Chip['axis']

/** One word for a chip. */
export function chipKey(chip: Chip): string {
  switch (chip.axis) {
    case 'method':
      return `method:${chip.method}`
    case 'rank':
      return `rank:${chip.rank}`
    case 'scaling':
      return `scaling:${chip.alpha}${chip.rslora ? '-rslora' : ''}`
    case 'quantizer':
      return `quantizer:${quantizerKey(chip.quantizer)}`
    case 'ranks':
      return `ranks:${budgetKey(chip.rankBudget ?? undefined)}`
    case 'refinement':
      return `refinement:${keyOf(chip.refine ?? undefined)}`
  }
}

/** The bounds as they are given, whatever the rank. */
const budgetKey = (budget: RankBudget | undefined): string =>
  budget === undefined ? 'same' : `${budget.floor ?? ''}-${budget.cap ?? ''}`

const keyOf = (refine: Refinement | undefined): string => (refine === undefined ? 'none' : refinementKey(refine))

/** What a variant has on an axis. */
export function chipOf(variant: Variant, axis: Axis): Chip {
  switch (axis) {
    case 'method':
      return { axis, method: variant.method }
    case 'rank':
      return { axis, rank: variant.rank }
    case 'scaling':
      return { axis, alpha: variant.alpha, rslora: variant.rslora }
    case 'quantizer':
      return { axis, quantizer: variant.quantizer }
    case 'ranks':
      return { axis, rankBudget: variant.rankBudget ?? null }
    case 'refinement':
      return { axis, refine: variant.refine ?? null }
  }
}

/** The values that the variants have on an axis, each once, in the order of the variants. */
export function chipsOn(variants: readonly Variant[], axis: Axis): Chip[] {
  const byKey = new Map<string, Chip>()
  for (const variant of variants) {
    const chip = chipOf(variant, axis)
    byKey.set(chipKey(chip), chip)
  }
  return [...byKey.values()]
}

export const hasChip = (variant: Variant, chip: Chip): boolean => chipKey(chipOf(variant, chip.axis)) === chipKey(chip)

/** The variants after a click on a chip; none when it would take the last away. */
export function toggleChip(variants: readonly Variant[], chip: Chip): Variant[] {
  const without = variants.filter((variant) => !hasChip(variant, chip))
  if (without.length < variants.length) return without
  const added = new Map<string, Variant>()
  for (const { name: _, ...variant } of variants) {
    const changed = withChip(variant, chip)
    added.set(variantKey(changed), changed)
  }
  return sortVariants([...variants, ...added.values()])
}

function withChip(variant: Omit<Variant, 'name'>, chip: Chip): Variant {
  switch (chip.axis) {
    case 'ranks': {
      const { rankBudget: _, ...uniform } = variant
      return chip.rankBudget === null ? uniform : { ...uniform, rankBudget: chip.rankBudget }
    }
    case 'refinement': {
      const { refine: _, ...unrefined } = variant
      return chip.refine === null ? unrefined : { ...unrefined, refine: chip.refine }
    }
    default: {
      const { axis: _, ...value } = chip
      return { ...variant, ...value }
    }
  }
}

/** Methods in the order of the recipe schema, then ranks upwards, so that equal choices give equal recipes. */
function sortVariants(variants: readonly Variant[]): Variant[] {
  return [...variants].sort(
    (a, b) =>
      METHODS.indexOf(a.method) - METHODS.indexOf(b.method) ||
      a.rank - b.rank ||
      Number(a.rslora) - Number(b.rslora) ||
      a.alpha - b.alpha ||
      Number(a.rankBudget !== undefined) - Number(b.rankBudget !== undefined) ||
      Number(a.refine !== undefined) - Number(b.refine !== undefined)
  )
}

/** What decides the result of a variant, as one word. */
export function variantKey(variant: Variant): string {
  const { method, rank, alpha, rslora, targets, quantizer, rankBudget, refine } = variant
  const options = (Object.keys(METHOD_OPTIONS) as MethodOptionName[]).filter((option) => readsOption(method, option))
  return JSON.stringify([
    method,
    rank,
    alpha,
    rslora,
    options.map((option) => variant[option]),
    Array.isArray(targets) ? [...targets].sort() : targets,
    quantizerKey(quantizer),
    rankBudget === undefined ? 'same' : rankBudgetKey(rank, rankBudget),
    keyOf(refine)
  ])
}

/** The variants without those that differ from an earlier one in nothing but the name. */
export function distinctVariants(variants: readonly Variant[]): Variant[] {
  const keys = variants.map(variantKey)
  return variants.filter((_, i) => keys.indexOf(keys[i] as string) === i)
}
