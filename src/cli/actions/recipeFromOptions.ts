import { resolve } from 'node:path'
import { describeRecipeProblems, parseRecipe } from '../../services/recipeProblems'
import { badInput } from '../../shared/errors'
import {
  DEFAULT_METHOD,
  type MethodName,
  type MethodOptionValues,
  methodFacts,
  REFINED_METHOD,
  readersOf
} from '../../shared/methods'
import type { Recipe, RowsWish, Variant } from '../../shared/recipe'
import { Refinement } from '../../shared/refinement'
import { PATTERN_PREFIX, patternProblem } from '../../shared/targetPattern'
import { distinctVariants } from '../../shared/variantAxes'
import { NUMBERS, type RecipeValues } from './recipeOptions'

const methodOptionsOf = (values: MethodOptionValues): MethodOptionValues =>
  Object.fromEntries(NUMBERS.map(([name]) => [name, values[name]])) as unknown as MethodOptionValues

/**
 * The recipe that the options describe: one variant for each method and rank.
 *
 * @throws {AppError} BAD_INPUT when the checkpoint or the calibration text is not given
 */
export function recipeFromOptions(values: RecipeValues, command: string): Recipe {
  if (values.model === undefined) throw missing('--model DIR', 'a checkpoint in the Hugging Face layout', command)
  if (values.calibration.length === 0) throw missing('--calibration FILE', 'text of your domain', command)
  const evaluation = textSource(values.evaluation, { rows: values['evaluation-rows'] }, '--evaluation')
  const parsed = parseRecipe({
    version: 1,
    model: resolve(values.model),
    ...(values.base !== undefined && { base: resolve(values.base) }),
    calibration: {
      ...textSource(values.calibration, values['calibration-rows'], '--calibration'),
      ...(values['calibration-draw'] > 0 && { draw: values['calibration-draw'] })
    },
    ...(values.evaluation.length > 0 && { evaluation }),
    policy: values.policy,
    context: values.context,
    lossOn: values['loss-on'],
    calibrateOn: values['calibrate-on'],
    firstToken: values['first-token'],
    ...(values['template-date'] !== undefined && { templateDate: values['template-date'] }),
    variants: variantsOf(values),
    ...(values['never-worse'] && { neverWorse: true }),
    factorDtype: values['factor-dtype'],
    device: values.device,
    onDeviceFailure: values['on-device-failure'],
    memoryBudget: values['memory-budget'],
    seed: values.seed
  })
  if (!parsed.success) throw badInput(describeRecipeProblems(parsed.error))
  return parsed.data
}

const missing = (option: string, what: string, command: string): Error =>
  badInput(`${option} is missing: ${what} is needed; see quail ${command} --help`)

function variantsOf(values: RecipeValues): Variant[] {
  const usual = values.refine ? REFINED_METHOD : DEFAULT_METHOD
  const methods: MethodName[] = values.method.length > 0 ? values.method : [usual]
  assertRead(values, methods)
  const variants = methods.flatMap((method) =>
    ranksOf(values).map(({ rankBudget, ...ranks }) => ({
      method,
      ...ranks,
      ...(rankBudget !== undefined && !isBaseline(method, methods) && { rankBudget }),
      alpha: values.alpha,
      rslora: values.rslora,
      ...methodOptionsOf(values),
      targets: targetsOf(values.targets),
      ...refinementOf(values),
      quantizer: {
        format: values.quantizer,
        blockSize: values['block-size'],
        doubleQuantization: !values['no-double-quant']
      }
    }))
  )
  return distinctVariants(variants)
}

/** No linear gains from more rank where nothing is corrected: beside others, that has the mean everywhere, for comparison. */
const isBaseline = (method: MethodName, methods: readonly MethodName[]): boolean =>
  methodFacts(method).neutral === true && methods.some((other) => methodFacts(other).neutral !== true)

/** A number that no method reads would be lost without a word. */
function assertRead(values: RecipeValues, methods: readonly MethodName[]): void {
  for (const [name, { default: usual }] of NUMBERS) {
    const readers = readersOf(name)
    if (values[name] === usual || methods.some((method) => readers.includes(method))) continue
    throw badInput(`--${name} ${values[name]} is of ${readers.join(', ')}, and the method is ${methods.join(', ')}`)
  }
}

/** Ranks that are the same everywhere, and those that are means; 16 everywhere where nothing is said. */
function ranksOf({ rank, 'rank-budget': budgets }: RecipeValues): Pick<Variant, 'rank' | 'rankBudget'>[] {
  const means = budgets.map(({ mean, bounds }) => ({ rank: mean, rankBudget: bounds }))
  const uniform = rank.length === 0 && means.length === 0 ? [16] : rank
  return [...uniform.map((same) => ({ rank: same })), ...means]
}

function refinementOf(values: RecipeValues): Pick<Variant, 'refine'> {
  const given = {
    ...(values['refine-steps'] !== undefined && { steps: values['refine-steps'] }),
    ...(values['refine-batch'] !== undefined && { batch: values['refine-batch'] }),
    ...(values['refine-rate'] !== undefined && { learningRate: values['refine-rate'] })
  }
  if (values.refine) return { refine: Refinement.parse(given) }
  if (Object.keys(given).length === 0) return {}
  const option = (['refine-steps', 'refine-batch', 'refine-rate'] as const).find((name) => values[name] !== undefined)
  throw badInput(`--${option} is of --refine: add that, too`)
}

function targetsOf(targets: readonly string[]): Recipe['variants'][number]['targets'] {
  if (targets.length === 0) return 'all-linear'
  if (targets[0]?.startsWith(PATTERN_PREFIX)) return patternOf(targets)
  if (targets.some((target) => target.startsWith(PATTERN_PREFIX)))
    throw badInput('--targets is a list of names or one regex:PATTERN, not both')
  if (!targets.includes('all-linear')) return unique(targets)
  if (targets.length > 1) throw badInput('--targets is all-linear or a list of names, not both')
  return 'all-linear'
}

/** The expression, of which commas made several values. */
function patternOf(targets: readonly string[]): Recipe['variants'][number]['targets'] {
  const regex = targets.join(',').slice(PATTERN_PREFIX.length)
  if (regex === '') throw badInput('--targets regex: needs an expression')
  const problem = patternProblem(regex)
  if (problem !== undefined) throw badInput(`--targets: the expression ${JSON.stringify(regex)} ${problem}`)
  return { regex }
}

/** Files, or one stored set. @throws {AppError} BAD_INPUT for both */
export function textSource(values: readonly string[], wish: RowsWish, option: string): Recipe['calibration'] {
  const [first] = values
  if (first?.startsWith('set:')) {
    if (values.length > 1) throw badInput(`${option} takes files, or one stored set, not both`)
    return { set: first.slice('set:'.length), ...wish }
  }
  const mixed = values.find((value) => value.startsWith('set:'))
  if (mixed !== undefined) throw badInput(`${option} takes files, or one stored set, not both`)
  return { files: values.map((file) => resolve(file)), ...wish }
}

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]
