import { resolve } from 'node:path'
import { describeRecipeProblems, parseRecipe } from '../../services/recipeProblems'
import { DEVICES } from '../../shared/devices'
import { ENOUGH_TOLERANCE, MOST_ROWS } from '../../shared/enoughRows'
import { badInput } from '../../shared/errors'
import {
  DEFAULT_METHOD,
  METHOD_OPTIONS,
  METHODS,
  type MethodName,
  type MethodOptionName,
  type MethodOptionValues,
  optionText,
  REFINED_METHOD,
  readersOf
} from '../../shared/methods'
import { BLOCK_SIZES, DEFAULT_QUANTIZER, formatsWith, QUANTIZERS, SCALE_DEFAULTS } from '../../shared/quantizers'
import type { RankBudget } from '../../shared/rankBudget'
import {
  CALIBRATE_ON,
  FACTOR_DTYPES,
  type FactorDtype,
  FIRST_TOKEN,
  LOSS_ON,
  ON_DEVICE_FAILURE,
  POLICIES,
  type Recipe,
  type RowsWish,
  USUAL_ROWS,
  type Variant
} from '../../shared/recipe'
import { Refinement } from '../../shared/refinement'
import { PATTERN_PREFIX, patternProblem } from '../../shared/targetPattern'
import { distinctVariants } from '../../shared/variantAxes'
import {
  day,
  flag,
  integer,
  list,
  oneOf,
  optional,
  positive,
  share,
  size,
  text,
  type Values,
  withDefault
} from '../grammar/options'

/** What `--refine` does unless it is told otherwise. */
const USUAL = Refinement.parse({})

type Numbers = { readonly [K in MethodOptionName]: ReturnType<typeof withDefault<number>> }

const OPTIONS = Object.entries(METHOD_OPTIONS) as [MethodOptionName, (typeof METHOD_OPTIONS)[MethodOptionName]][]

/** The numbers that only some methods read. */
const methodOptions = Object.fromEntries(
  OPTIONS.map(([name, { min, max, default: usual }]) => [
    name,
    withDefault('N', integer(min, max), usual, optionText(name))
  ])
) as Numbers

const methodOptionsOf = (values: MethodOptionValues): MethodOptionValues =>
  Object.fromEntries(OPTIONS.map(([name]) => [name, values[name]])) as unknown as MethodOptionValues

/** How many rows: so many, or as many as are enough and at most so many. */
const rowsWish = (value: string, option: string): RowsWish => {
  const [auto, most, ...others] = value.split(':')
  const isAuto = auto === 'auto' && others.length === 0
  if (/[a-z]/i.test(value) && !(isAuto && /^\d+$/.test(most ?? '0')))
    throw badInput(`${option} is "${value}"; a whole number, auto or auto:MOST is needed`)
  if (!isAuto) {
    return { rows: integer(1)(value, option) }
  }
  return { rows: most === undefined ? MOST_ROWS : integer(1)(most, option), enough: ENOUGH_TOLERANCE }
}

/** A rank that is the mean, and how far from it the ranks of linears may lie. */
export interface BudgetWish {
  readonly mean: number
  readonly bounds: RankBudget
}

const rankBudget = (value: string, option: string): BudgetWish => {
  const given = new Map<string, number>()
  for (const part of value.split(',')) {
    const [name = '', number = '', ...others] = part.split('=')
    if (!['mean', 'floor', 'cap'].includes(name) || given.has(name) || others.length > 0)
      throw badInput(
        `${option} is "${value}"; mean=R is needed, with floor=R and cap=R where wanted: mean=16,floor=4,cap=64`
      )
    given.set(name, integer(1)(number, `${option} ${name}`))
  }
  const [mean, floor, cap] = ['mean', 'floor', 'cap'].map((name) => given.get(name))
  if (mean === undefined)
    throw badInput(
      `${option} is "${value}"; mean=R is missing: the rank that would take the same parameters everywhere`
    )
  return { mean, bounds: { ...(floor !== undefined && { floor }), ...(cap !== undefined && { cap }) } }
}

/** The options that make a recipe, as `init-lora` and `plan` take them. */
export const recipeOptions = {
  model: optional('DIR', text, 'checkpoint in the Hugging Face layout; needed without a recipe'),
  base: optional('DIR', text, 'pre-quantized bitsandbytes checkpoint of the model: Q is what it holds'),
  calibration: list(
    'FILE',
    text,
    'text the adapter is calibrated on: files, or set:NAME of a stored set; needed without a recipe'
  ),
  evaluation: list('FILE', text, 'held-out text that perplexity is measured on: files, or set:NAME'),
  method: list('METHOD', oneOf(METHODS), `${METHODS.join(', ')}; each makes a variant`, {
    commas: true,
    defaultText: `${DEFAULT_METHOD}, with --refine ${REFINED_METHOD}`
  }),
  quantizer: withDefault(
    'FORMAT',
    oneOf(QUANTIZERS),
    DEFAULT_QUANTIZER,
    `${QUANTIZERS.join(', ')}: how the trainer will quantize the base`
  ),
  'no-double-quant': flag('the trainer will not quantize the absmax values (bnb_4bit_use_double_quant=False)'),
  'block-size': withDefault(
    'N',
    oneOf(BLOCK_SIZES),
    SCALE_DEFAULTS.blockSize,
    `weights that share one absmax, of ${formatsWith('blockSize')}`
  ),
  rank: list('R', integer(1), 'rank of the adapter; each makes a variant', { commas: true, defaultText: '16' }),
  'rank-budget': list(
    'mean=R',
    rankBudget,
    'ranks by layer with no more parameters than rank R everywhere, as mean=16 or mean=16,floor=4,cap=64; each makes a variant'
  ),
  alpha: withDefault('A', positive, 16, 'lora_alpha'),
  rslora: flag('scale by alpha / sqrt(rank) instead of alpha / rank'),
  targets: list('NAME', text, 'all-linear, names that paths end in (q_proj,v_proj), or regex:PATTERN for whole paths', {
    commas: true,
    defaultText: 'all-linear'
  }),
  ...methodOptions,
  'never-worse': flag(
    'keep of each adapter only what brings held-out calibration rows nearer to full precision than no adapter does'
  ),
  refine: flag('refine the factors of every variant against the whole model; held-out rows decide what is kept'),
  'refine-steps': optional('N', integer(1, 10_000), `steps of --refine (default ${USUAL.steps})`),
  'refine-batch': optional('N', integer(1, 1024), `calibration rows in a step of --refine (default ${USUAL.batch})`),
  'refine-rate': optional(
    'SHARE',
    share,
    "learning rate of --refine: its largest step, as a share of an entry's size; default: found by the first gradient"
  ),
  context: withDefault('N', integer(2), 256, 'tokens in a row'),
  'calibration-rows': withDefault<RowsWish>(
    'N',
    rowsWish,
    { rows: USUAL_ROWS },
    `rows taken from each calibration file; auto: as many as are enough, at most ${MOST_ROWS}; auto:MOST`,
    { defaultText: '64' }
  ),
  'calibration-draw': withDefault(
    'N',
    integer(0),
    0,
    'which rows of the calibration text: each draw takes others, and none shares a row with another'
  ),
  'evaluation-rows': withDefault('N', integer(1), USUAL_ROWS, 'rows taken from each evaluation file'),
  policy: withDefault('POLICY', oneOf(POLICIES), 'packed', 'packed: text cut into full rows; padded: a sample a row'),
  'loss-on': withDefault(
    'WHICH',
    oneOf(LOSS_ON),
    'all',
    'targets that perplexity counts: all, or responses of conversations'
  ),
  'calibrate-on': withDefault(
    'WHICH',
    oneOf(CALIBRATE_ON),
    'all',
    'positions that H counts: all, or responses or prompts of conversations'
  ),
  'first-token': withDefault(
    'WHICH',
    oneOf(FIRST_TOKEN),
    'include',
    'include, exclude: whether H counts the first token of a row (attention sink)'
  ),
  'template-date': optional(
    'DAY',
    day,
    'day that chat templates write as today, like 2026-11-27; default: the day on which the run is made'
  ),
  'factor-dtype': withDefault<FactorDtype>('DTYPE', oneOf(FACTOR_DTYPES), 'float32', `${FACTOR_DTYPES.join(', ')}`),
  seed: withDefault('N', integer(0), 0, 'seed of what is random (lora_A of zero)'),
  device: withDefault('DEVICE', oneOf(DEVICES), 'cpu', `${DEVICES.join(', ')}; see quail devices`),
  'on-device-failure': withDefault(
    'WHAT',
    oneOf(ON_DEVICE_FAILURE),
    'stop',
    'stop: the run can be resumed; cpu: it goes on on the processor, with a warning'
  ),
  'memory-budget': withDefault('SIZE', size, 2 ** 31, 'hidden states kept in memory; more goes to disk', {
    defaultText: '2GiB'
  })
} as const

export type RecipeValues = Values<typeof recipeOptions>

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
    ranksOf(values).map((ranks) => ({
      method,
      ...ranks,
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

/** A number that no method reads would be lost without a word. */
function assertRead(values: RecipeValues, methods: readonly MethodName[]): void {
  for (const [name, { default: usual }] of OPTIONS) {
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
