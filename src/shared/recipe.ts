import { z } from 'zod'
import { CalendarDay } from './calendarDay'
import { DEVICES } from './devices'
import { MethodName, methodOptionSchemas } from './methods'
import {
  BLOCK_SIZES,
  DEFAULT_QUANTIZER,
  type FourBitFormat,
  formatsWith,
  OPTION_WORDS,
  QUANTIZERS,
  quantizerFacts,
  SCALE_DEFAULTS
} from './quantizers'
import { quantizerKey } from './quantizerWords'
import { BUDGET_SUFFIX, RankBudget, rankBudgetKey } from './rankBudget'
import { REFINED_SUFFIX, Refinement, refinementKey } from './refinement'
import { PATTERN_PREFIX, patternProblem } from './targetPattern'

/*
 * A recipe says everything that decides the bytes of a run: checkpoint, texts, variants, device, seed.
 * It is the one input of the engine; the command line and the window only help to write it.
 */

export const ON_DEVICE_FAILURE = ['stop', 'cpu'] as const
export const FACTOR_DTYPES = ['float32', 'bfloat16', 'float16'] as const
export const POLICIES = ['packed', 'padded'] as const
export const LOSS_ON = ['all', 'responses'] as const
export const CALIBRATE_ON = ['all', 'responses', 'prompts'] as const
export const FIRST_TOKEN = ['include', 'exclude'] as const

export const DeviceName = z.enum(DEVICES)
export type DeviceName = z.infer<typeof DeviceName>
export const OnDeviceFailure = z.enum(ON_DEVICE_FAILURE)
export type OnDeviceFailure = z.infer<typeof OnDeviceFailure>
export const FactorDtype = z.enum(FACTOR_DTYPES)
export type FactorDtype = z.infer<typeof FactorDtype>
export const Policy = z.enum(POLICIES)
export type Policy = z.infer<typeof Policy>
export const LossOn = z.enum(LOSS_ON)
export type LossOn = z.infer<typeof LossOn>
export const CalibrateOn = z.enum(CALIBRATE_ON)
export type CalibrateOn = z.infer<typeof CalibrateOn>
export const FirstToken = z.enum(FIRST_TOKEN)
export type FirstToken = z.infer<typeof FirstToken>

/** How the base is quantized; two recipes with equal specs share one quantized base. */
export const QuantizerSpec = z
  .strictObject({
    format: z.enum(QUANTIZERS).default(DEFAULT_QUANTIZER).describe('number format of the quantized base'),
    blockSize: z
      .union(BLOCK_SIZES.map((size) => z.literal(size)))
      .default(SCALE_DEFAULTS.blockSize)
      .describe(`weights that share one absmax; of ${formatsWith('blockSize')}`),
    doubleQuantization: z
      .boolean()
      .default(SCALE_DEFAULTS.doubleQuantization)
      .describe(`quantize the absmax values too (bnb_4bit_use_double_quant); of ${formatsWith('doubleQuantization')}`)
  })
  .superRefine((spec, context) => {
    const { options, scales } = quantizerFacts(spec.format)
    for (const option of ['blockSize', 'doubleQuantization'] as const) {
      if (options.includes(option) || spec[option] === SCALE_DEFAULTS[option]) continue
      const message = `${spec.format} has ${scales}: leave out ${OPTION_WORDS[option]}, which is of ${formatsWith(option)}`
      context.addIssue({ code: 'custom', message })
    }
  })
export type QuantizerSpec = z.infer<typeof QuantizerSpec>
export type FourBitSpec = QuantizerSpec & { readonly format: FourBitFormat }

/** An expression that PEFT and Quail match alike against whole paths. */
const TargetPattern = z
  .string()
  .min(1)
  .superRefine((pattern, context) => {
    const problem = patternProblem(pattern)
    if (problem !== undefined) context.addIssue({ code: 'custom', message: `${JSON.stringify(pattern)} ${problem}` })
  })

/**
 * Which linears get an adapter: all of the blocks', or those whose path is, or ends in, one of the names, or those whose
 * whole path a regular expression matches (PEFT's rules).
 */
export const Targets = z.union([
  z.literal('all-linear'),
  z.array(z.string().min(1)).min(1),
  z.strictObject({ regex: TargetPattern.describe('matched against whole module paths, as re.fullmatch does') })
])
export type Targets = z.infer<typeof Targets>

export const Variant = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'letters, digits, dot, underscore and hyphen only')
    .optional()
    .describe('directory of the adapter; default <method>-r<rank>'),
  method: MethodName,
  rank: z.int().min(1).default(16).describe('r'),
  alpha: z.number().positive().default(16).describe('lora_alpha'),
  rslora: z.boolean().default(false).describe('scaling = alpha / sqrt(rank) instead of alpha / rank'),
  ...methodOptionSchemas,
  targets: Targets.default('all-linear'),
  quantizer: QuantizerSpec.prefault({}),
  rankBudget: RankBudget.optional().describe(
    'give each linear a rank of its own, with no more parameters than `rank` everywhere; left out: `rank` everywhere'
  ),
  refine: Refinement.optional().describe(
    'refine the factors against the whole model; left out: they stay as the method finds them'
  )
})
export type Variant = z.infer<typeof Variant>

/** Rows of a text that are taken where nothing is said. */
export const USUAL_ROWS = 64

const textSourceShape = {
  files: z.array(z.string().min(1)).min(1).optional().describe('text files, UTF-8'),
  set: z.string().min(1).optional().describe('name of a stored calibration set'),
  rows: z.int().min(1).default(USUAL_ROWS).describe('rows taken from each file'),
  draw: z
    .int()
    .min(0)
    .optional()
    .describe('which rows are taken: each draw takes others, and none shares a row with another; default 0')
}

const oneKind = (source: { files?: string[] | undefined; set?: string | undefined }): boolean =>
  (source.files === undefined) !== (source.set === undefined)
const ONE_KIND = { message: 'give either files or set' }

/** Texts: files on disk, or a set stored under a name. `rows` counts rows per file. */
export const TextSource = z.strictObject(textSourceShape).refine(oneKind, ONE_KIND)
export type TextSource = z.infer<typeof TextSource>

/** The same of calibration, where the run itself may find out how many rows are enough. */
export const CalibrationSource = z
  .strictObject({
    ...textSourceShape,
    enough: z
      .number()
      .positive()
      .max(1)
      .optional()
      .describe(
        'take no more rows than are enough, `rows` being the most: doubling them must make the error that is left on other rows smaller by this share'
      )
  })
  .refine(oneKind, ONE_KIND)
export type CalibrationSource = z.infer<typeof CalibrationSource>

/** How many rows of a text are wanted and which, whatever text it is. */
export type RowsWish = Omit<CalibrationSource, 'files' | 'set'>

/** What a source says of rows: another text in its place is asked for the same. */
export const rowsWishOf = ({ files: _, set: __, ...wish }: CalibrationSource): RowsWish => wish

export const Recipe = z.strictObject({
  version: z.literal(1).describe('version of this format'),
  name: z.string().optional(),
  model: z.string().min(1).describe('directory of a Hugging Face checkpoint'),
  base: z
    .string()
    .min(1)
    .optional()
    .describe('directory of a pre-quantized checkpoint of the model: Q is what it holds, instead of quantizing anew'),
  calibration: CalibrationSource,
  evaluation: TextSource.optional().describe('texts on which perplexity is measured'),
  policy: Policy.default('packed').describe('how texts become rows of tokens'),
  context: z.int().min(2).default(256).describe('tokens in a row'),
  lossOn: LossOn.default('all').describe('targets that perplexity counts; responses needs conversations'),
  calibrateOn: CalibrateOn.default('all').describe('positions that H counts; all but `all` need conversations'),
  firstToken: FirstToken.default('include').describe('whether H counts the first token of a row, an attention sink'),
  templateDate: CalendarDay.optional().describe(
    'day that chat templates write as today (strftime_now); default: the day on which the run is made, which it keeps'
  ),
  variants: z.array(Variant).min(1),
  neverWorse: z
    .literal(true)
    .optional()
    .describe(
      'keep of each adapter only what brings held-out calibration rows nearer to full precision than no adapter does'
    ),
  factorDtype: FactorDtype.default('float32').describe('dtype of lora_A and lora_B as stored'),
  device: DeviceName.default('cpu'),
  onDeviceFailure: OnDeviceFailure.default('stop').describe(
    'when the device fails: stop, so that the run can be resumed, or cpu: go on on the processor, with a warning'
  ),
  memoryBudget: z
    .int()
    .min(1)
    .default(2 ** 31)
    .describe('bytes of hidden states kept in memory; more goes to disk'),
  seed: z.int().min(0).default(0)
})
export type Recipe = z.infer<typeof Recipe>

/** Every position counts: the defaults of `lossOn`, `calibrateOn` and `firstToken`. */
export const ALL_POSITIONS = { lossOn: 'all', calibrateOn: 'all', firstToken: 'include' } as const

type Positions = Pick<Recipe, keyof typeof ALL_POSITIONS>

/** Of what a recipe says about positions, that which leaves some out. */
export const positionsLeftOut = ({ lossOn, calibrateOn, firstToken }: Positions): Partial<Positions> => ({
  ...(lossOn !== ALL_POSITIONS.lossOn && { lossOn }),
  ...(calibrateOn !== ALL_POSITIONS.calibrateOn && { calibrateOn }),
  ...(firstToken !== ALL_POSITIONS.firstToken && { firstToken })
})

/** Targets for people: names, `all-linear`, or the expression as the command line takes it. */
export const targetsText = (targets: Targets): string => {
  if (targets === 'all-linear') return targets
  return Array.isArray(targets) ? targets.join(', ') : `${PATTERN_PREFIX}${targets.regex}`
}

/** The LoRA scaling s that PEFT will multiply B·A with: alpha / rank, or alpha / sqrt(rank) when rank-stabilised. */
export const scalingOf = (variant: Pick<Variant, 'alpha' | 'rank' | 'rslora'>): number =>
  variant.alpha / (variant.rslora ? Math.sqrt(variant.rank) : variant.rank)

/** Behind the name of a refined variant, where the recipe has so many refinements that differ. */
const suffixOf = (refine: Refinement, refinements: number): string =>
  refinements > 1 ? `${REFINED_SUFFIX}-${refinementKey(refine)}` : REFINED_SUFFIX

/** Behind the name of a variant with a rank budget, where some rank of the recipe has several that differ. */
const budgetSuffix = ({ rank, rankBudget }: Variant, several: boolean): string => {
  if (rankBudget === undefined) return ''
  return several ? `${BUDGET_SUFFIX}-${rankBudgetKey(rank, rankBudget)}` : BUDGET_SUFFIX
}

/**
 * The name of each variant: as given, else `<method>-r<rank>`, behind it `-budget` where linears have ranks of their own (with
 * the bounds where these differ, `-budget-4-64`) and `-refined` where it is (with steps and rows where these differ,
 * `-refined-48x4`), with what tells equal ones apart. Names that were given are nobody's to change: equal ones stay equal, and
 * a run refuses them.
 */
export function variantNames(variants: readonly Variant[]): string[] {
  const refined = new Set(variants.flatMap(({ refine }) => (refine ? [refinementKey(refine)] : [])))
  const severalBudgets = (rank: number): boolean => {
    const budgets = variants.flatMap((v) =>
      v.rank === rank && v.rankBudget ? [rankBudgetKey(rank, v.rankBudget)] : []
    )
    return new Set(budgets).size > 1
  }
  const plain = variants.map((v) => {
    const refinement = v.refine ? suffixOf(v.refine, refined.size) : ''
    return v.name ?? `${v.method}-r${v.rank}${budgetSuffix(v, severalBudgets(v.rank))}${refinement}`
  })
  const seen = new Map<string, number>()
  return plain.map((name, index) => {
    const variant = variants[index] as Variant
    if (variant.name !== undefined || plain.filter((other) => other === name).length === 1) return name
    const long = `${name}-a${variant.alpha}${variant.rslora ? '-rslora' : ''}-${quantizerKey(variant.quantizer)}`
    const count = (seen.get(long) ?? 0) + 1
    seen.set(long, count)
    return count === 1 ? long : `${long}-${count}`
  })
}
