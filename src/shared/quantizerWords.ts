import { NO_SKIPPING, skipArgument } from './keptLinears'
import {
  AXOLOTL_ARGUMENTS,
  isQuantizer,
  OPTION_WORDS,
  type QuantizerFormat,
  quantizerFacts,
  SCALE_DEFAULTS,
  type ScaleOptions,
  type TrainerSettings
} from './quantizers'

/** A base: its format, and of the options those that the format has; an adapter's proof leaves the others out. */
export interface QuantizedBase {
  readonly format: QuantizerFormat
  readonly blockSize?: ScaleOptions['blockSize'] | undefined
  readonly doubleQuantization?: boolean | undefined
  /** Names of modules that a trainer is told to leave in full precision, the head among them; by itself it leaves that alone. */
  readonly skipModules?: readonly string[] | undefined
}

/** The base of an adapter's proof. */
export const provenBase = ({
  quantizer,
  blockSize,
  doubleQuantization,
  skipModules
}: Omit<QuantizedBase, 'format'> & { readonly quantizer: QuantizerFormat }): QuantizedBase => ({
  format: quantizer,
  blockSize,
  doubleQuantization,
  ...(skipModules && { skipModules })
})

/** The options that the format has, as they are in the base. */
export function scaleOptions({ format, ...given }: QuantizedBase): Partial<ScaleOptions> {
  const all = completeOptions(given)
  return Object.fromEntries(quantizerFacts(format).options.map((option) => [option, all[option]]))
}

const completeOptions = (given: Omit<QuantizedBase, 'format'>): ScaleOptions => ({
  blockSize: given.blockSize ?? SCALE_DEFAULTS.blockSize,
  doubleQuantization: given.doubleQuantization ?? SCALE_DEFAULTS.doubleQuantization
})

/** `nf4-b64-dq`, `int8`: one word for a base, used as key and in tables. */
export function quantizerKey(base: QuantizedBase): string {
  const { blockSize, doubleQuantization } = scaleOptions(base)
  return [base.format, blockSize && `b${blockSize}`, doubleQuantization && 'dq'].filter(Boolean).join('-')
}

/** `NF4` for `nf4-b64-dq`: what people call the format, and of its options what tells it from the others. */
export function quantizerLabel(key: string, among: readonly string[] = [key]): string {
  const [format = key] = key.split('-')
  const name = isQuantizer(format) ? quantizerFacts(format).label : format.toUpperCase()
  const alike = [...new Set([...among, key])].filter((other) => other.split('-')[0] === format)
  if (alike.length < 2) return name
  const differ = (of: (key: string) => unknown): boolean => new Set(alike.map(of)).size > 1
  const words = [
    differ(blockOf) || (differ(isDouble) && !isDouble(key)) ? `block ${blockOf(key)}` : '',
    differ(isDouble) && isDouble(key) ? 'double-quantized' : ''
  ]
  return [name, words.filter(Boolean).join(', ')].join(' ')
}

const blockOf = (key: string): string | undefined => /-b(\d+)/.exec(key)?.[1]
const isDouble = (key: string): boolean => key.endsWith('-dq')

/** `nf4, block size 64, double quantization on`; `int8, one scale for each row`. */
export function quantizerWords(base: QuantizedBase): string {
  const { options, scales } = quantizerFacts(base.format)
  const words = optionPairs(base).map(([name, value]) => `${name} ${value}`)
  return [base.format, ...(options.length > 0 ? [] : [scales]), ...words].join(', ')
}

/** The options of a base with their values, for people: `block size`, `64`. */
export function optionPairs(base: QuantizedBase): (readonly [name: string, value: string])[] {
  const { blockSize, doubleQuantization } = scaleOptions(base)
  const { skipModules } = base
  return [
    ...(blockSize === undefined ? [] : [[OPTION_WORDS.blockSize, String(blockSize)] as const]),
    ...(doubleQuantization === undefined
      ? []
      : [[OPTION_WORDS.doubleQuantization, doubleQuantization ? 'on' : 'off'] as const]),
    ...(skipModules === undefined ? [] : [['in full precision', skipModules.join(' ')] as const])
  ]
}

/** `NF4, blocks of 64, double`; `INT8, one scale for each row`: the words of the form. */
export function quantizerChoice(base: QuantizedBase): string {
  const { label, scales } = quantizerFacts(base.format)
  const { blockSize, doubleQuantization } = scaleOptions(base)
  const words = [blockSize && `blocks of ${blockSize}`, doubleQuantization && 'double'].filter(Boolean)
  return [label, ...(words.length > 0 ? words : [scales])].join(', ')
}

/** What trainers are told of a base. */
export type TrainerWords = { readonly [K in 'axolotl' | 'llamaFactory' | 'unsloth']: readonly string[] } & {
  /** Arguments of `BitsAndBytesConfig` that decide the values. */
  readonly config: readonly string[]
  /** Those, and what is computed in. */
  readonly wholeConfig: readonly string[]
  readonly otherDefault: ReturnType<TrainerSettings['otherDefault']>
  /** Modules that a trainer has to be told to leave in full precision. */
  readonly skipModules?: readonly string[]
} & Pick<TrainerSettings, 'blockSize' | 'mind'>

/** What trainers are told; undefined where none quantizes so. */
export function trainerWords({ format, ...given }: QuantizedBase): TrainerWords | undefined {
  const { trainer } = quantizerFacts(format)
  if (trainer === undefined) return undefined
  const options = completeOptions(given)
  const { skipModules } = given
  const config = [...trainer.config(options), ...(skipModules === undefined ? [] : [skipArgument(skipModules)])]
  return {
    ...trainer,
    config,
    wholeConfig: [...config, ...trainer.computing],
    axolotl: trainer.axolotl(options),
    llamaFactory: trainer.llamaFactory(options),
    otherDefault: trainer.otherDefault(options),
    ...(skipModules && { skipModules, ...skippingLines(skipModules, trainer, options) })
  }
}

/** Whether trainers quantize so when they are told to: they have no setting for the size of blocks. */
export function isQuantizedByTrainers(base: QuantizedBase): boolean {
  const words = trainerWords(base)
  return words !== undefined && (words.blockSize === undefined || words.blockSize === completeOptions(base).blockSize)
}

/**
 * The command that writes a base as a checkpoint, for trainers that would quantize otherwise; undefined of a format that is
 * not stored.
 *
 * @param dtype - in which torch must load the weights: `bfloat16`
 */
export function baseCommand(base: QuantizedBase, model: string, dtype: string): string | undefined {
  if (quantizerFacts(base.format).stored === undefined) return undefined
  return `quail export-base --model ${model} ${quantizerArguments(base)} --dtype ${dtype} --out BASE`
}

/** What tells a command of a 4-bit format with all its options. */
export function quantizerArguments(base: QuantizedBase): string {
  const { blockSize, doubleQuantization } = completeOptions(base)
  return `--quantizer ${base.format} --block-size ${blockSize}${doubleQuantization ? '' : ' --no-double-quant'}`
}

/** The lines of trainers that are told in YAML, where modules stay in full precision. */
function skippingLines(modules: readonly string[], trainer: TrainerSettings, options: ScaleOptions) {
  const list = `  llm_int8_skip_modules: [${modules.join(', ')}]`
  const axolotl = trainer.axolotl(options)
  return {
    axolotl: axolotl.includes(AXOLOTL_ARGUMENTS)
      ? [...axolotl, list]
      : [...axolotl, `# Axolotl ${NO_SKIPPING} in 8 bits`],
    llamaFactory: [`# LLaMA-Factory ${NO_SKIPPING}: the base above is one of 4 bits that quail export-base wrote`]
  }
}

/** Whether bitsandbytes can quantize the base again: not one that is pre-quantized, nor in a format that it does not have. */
export const isRecomputable = (
  fingerprint: Parameters<typeof provenBase>[0] & { readonly base?: string | undefined }
): boolean => fingerprint.base === undefined && trainerWords(provenBase(fingerprint)) !== undefined

/** Where no trainer quantizes as an adapter's base was. */
export const NO_TRAINER =
  'no trainer quantizes so by itself, so the adapter only fits a base that you quantize as Quail does'
