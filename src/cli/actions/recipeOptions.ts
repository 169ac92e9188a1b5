import { DEVICES } from '../../shared/devices'
import { MOST_ROWS } from '../../shared/enoughRows'
import {
  DEFAULT_METHOD,
  METHOD_OPTIONS,
  METHODS,
  type MethodOptionName,
  optionText,
  REFINED_METHOD
} from '../../shared/methods'
import { BLOCK_SIZES, DEFAULT_QUANTIZER, formatsWith, QUANTIZERS, SCALE_DEFAULTS } from '../../shared/quantizers'
import {
  CALIBRATE_ON,
  FACTOR_DTYPES,
  type FactorDtype,
  FIRST_TOKEN,
  LOSS_ON,
  ON_DEVICE_FAILURE,
  POLICIES,
  type RowsWish,
  USUAL_ROWS
} from '../../shared/recipe'
import { Refinement } from '../../shared/refinement'
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
import { rankBudget, rowsWish } from './recipeWishes'

/** What `--refine` does unless it is told otherwise. */
const USUAL = Refinement.parse({})

type Numbers = { readonly [K in MethodOptionName]: ReturnType<typeof withDefault<number>> }

/** Options that only some methods read. */
export const NUMBERS = Object.entries(METHOD_OPTIONS) as [MethodOptionName, (typeof METHOD_OPTIONS)[MethodOptionName]][]

const methodOptions = Object.fromEntries(
  NUMBERS.map(([name, { min, max, default: usual }]) => [
    name,
    withDefault('N', integer(min, max), usual, optionText(name))
  ])
) as Numbers

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
