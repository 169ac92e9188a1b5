import { changeVariants, type Fix } from '../../shared/findings'
import { plural } from '../../shared/plural'
import { rankBounds } from '../../shared/rankBudget'
import { type Recipe, targetsText, type Variant } from '../../shared/recipe'
import { heldOutRows } from '../../shared/refinement'
import { predictingRows } from '../calibration/nextTokens'
import type { TokenRows } from '../calibration/rows'
import type { PreparedLinear } from '../models/modelLinears'
import { meantTarget, selectTargets, unmatchedTarget } from '../models/targets'
import { asksForCurvature, type PreparedVariant } from './preparedRun'
import type { Report } from './problems'

/** Reports variants whose adapters would go to one directory; many file systems take large and small letters for the same. */
export function checkNames(variants: readonly Pick<PreparedVariant, 'name'>[], report: Report): void {
  const seen = new Map<string, string>()
  for (const { name } of variants) {
    const before = seen.get(name.toLowerCase())
    if (before !== undefined) {
      const message = `two variants are named ${before === name ? name : `${before} and ${name}`}, and their adapters would go to one directory; give them names that differ`
      report({ code: 'NAMES', subject: 'variants', message })
    }
    seen.set(name.toLowerCase(), name)
  }
}

/** Reports every target that matches no linear, once for all variants. */
export function checkTargets(recipe: Recipe, linears: readonly PreparedLinear[], report: Report): void {
  const paths = linears.filter(({ adaptable }) => adaptable).map(({ path }) => path)
  const unmatched = new Set<string>()
  for (const { targets } of recipe.variants) selectTargets(targets, paths, (target) => unmatched.add(target))
  for (const target of unmatched) {
    const message = unmatchedTarget(target, paths)
    report({ code: 'TARGETS', subject: 'variants', message, fix: targetFix(recipe, target, paths) })
  }
}

/** Puts the nearest name in its place; without one, leaves it out. */
function targetFix(recipe: Recipe, target: string, paths: readonly string[]): Fix {
  const meant = meantTarget(target, paths)
  return changeVariants(recipe, meant === undefined ? `Leave out ${target}` : `Use ${meant}`, (variant) => ({
    ...variant,
    targets: replaceTarget(variant.targets, target, meant)
  }))
}

function replaceTarget(targets: Variant['targets'], target: string, by: string | undefined): Variant['targets'] {
  if (!Array.isArray(targets)) return targetsText(targets) === target ? 'all-linear' : targets
  if (!targets.includes(target)) return targets
  const replaced = targets.flatMap((name) => (name !== target ? [name] : by === undefined ? [] : [by]))
  return replaced.length === 0 ? 'all-linear' : [...new Set(replaced)]
}

interface Choice {
  readonly linears: readonly PreparedLinear[]
  readonly variants: readonly PreparedVariant[]
}

/**
 * Reports every rank above the shorter sides of all linears that it is meant for, with the largest of them. Where only some are
 * shorter, such as the gates of a gated delta net with an output for each head, theirs are corrected as a whole, and the rest of
 * their ranks starts as in plain LoRA.
 */
export function checkRanks(recipe: Recipe, { linears, variants }: Choice, report: Report): void {
  const ranks = new Set(variants.map(({ spec }) => spec.rank))
  for (const rank of ranks) {
    const targets = new Set(variants.filter(({ spec }) => spec.rank === rank).flatMap((v) => [...v.targets]))
    const targeted = linears.filter(({ path }) => targets.has(path))
    const largest = Math.max(...targeted.map(shorterSide))
    const large = targeted.find((linear) => shorterSide(linear) === largest)
    if (large === undefined || rank <= largest) continue
    const { path, inFeatures, outFeatures } = large
    const message = `rank is ${rank}, but ${path} is [${outFeatures}, ${inFeatures}] and takes at most ${largest}`
    const fix = changeVariants(recipe, `Use rank ${largest}`, (variant) =>
      variant.rank === rank ? { ...variant, rank: largest } : variant
    )
    report({ code: 'RANK', subject: 'variants', message, fix })
  }
}

const shorterSide = ({ inFeatures, outFeatures }: PreparedLinear): number => Math.min(inFeatures, outFeatures)

/** Reports variants whose outputs no row could weigh: a token has to be predicted. */
export function checkCurvature(calibration: TokenRows, variants: readonly PreparedVariant[], report: Report): void {
  const weighed = variants.filter((variant) => asksForCurvature({ variants: [variant] })).map(({ name }) => name)
  if (weighed.length === 0 || calibration.ids.length === 0) return // unread, or only guessed
  if (predictingRows(calibration).length > 0) return
  const message = `${weighed.join(', ')}: outputs are weighed by predicted tokens; none is predicted in the ${plural(calibration.rows, 'row')} of the calibration set`
  report({ code: 'CURVATURE_ROWS', subject: 'texts', message })
}

/** Reports rank budgets that no choice of ranks meets. */
export function checkRankBudgets(recipe: Recipe, variants: readonly PreparedVariant[], report: Report): void {
  for (const { name, spec, method } of variants) {
    if (spec.rankBudget === undefined) continue
    const { floor, cap } = rankBounds(spec.rank, spec.rankBudget)
    const problem =
      method.neutral === true
        ? `${method.name} corrects nothing, so that no linear gains from more rank than another`
        : floor > spec.rank
          ? `the floor of the rank budget is ${floor}, above the rank ${spec.rank} that is the mean`
          : cap < spec.rank
            ? `the cap of the rank budget is ${cap}, below the rank ${spec.rank} that is the mean`
            : undefined
    if (problem === undefined) continue
    const fix = changeVariants(recipe, 'Use one rank everywhere', ({ rankBudget, ...variant }) =>
      rankBudget !== undefined && variant.rank === spec.rank && variant.method === spec.method
        ? variant
        : { ...variant, ...(rankBudget && { rankBudget }) }
    )
    report({ code: 'RANK_BUDGET', subject: 'variants', message: `${name}: ${problem}`, fix })
  }
}

/** Reports variants that cannot be refined, or whose ranks cannot be chosen: one row is held out, so that two are needed. */
export function checkRefinements(calibration: TokenRows, variants: readonly PreparedVariant[], report: Report): void {
  if (calibration.ids.length === 0) return // unread, or only guessed
  const usable = predictingRows(calibration).length
  if (heldOutRows(usable) > 0) return
  const found =
    usable === calibration.rows ? `there is ${usable}` : `a token is predicted in ${usable} of ${calibration.rows}`
  for (const { code, what, asks } of HELD_OUT_ASKED) {
    const names = variants.filter(asks).map(({ name }) => name)
    if (names.length === 0) continue
    const message = `${names.join(', ')}: ${what} needs 2 rows of the calibration set, one of them to hold out; ${found}`
    report({ code, subject: 'texts', message })
  }
}

/** What asks held-out rows. */
const HELD_OUT_ASKED: readonly {
  readonly code: string
  readonly what: string
  readonly asks: (variant: PreparedVariant) => boolean
}[] = [
  { code: 'REFINE_ROWS', what: 'refinement', asks: ({ spec }) => spec.refine !== undefined },
  { code: 'RANK_BUDGET_ROWS', what: 'a rank budget', asks: ({ spec }) => spec.rankBudget !== undefined },
  { code: 'NEVER_WORSE_ROWS', what: 'asking whether an adapter helps', asks: ({ accepted }) => accepted }
]
