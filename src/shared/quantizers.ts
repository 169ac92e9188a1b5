/*
 * What is known of a number format of the quantized base, declared once: form, recipe, words, snippets, compatibility,
 * model card and fingerprint follow from here. Its arithmetic is src/engine/quantizers/formats/<name>.ts; that and an
 * entry here are all that a format needs.
 */

export const BLOCK_SIZES = [32, 64, 128, 256, 512, 1024, 2048, 4096] as const

/** What tells bases of one format apart, where the format has such a choice. */
export interface ScaleOptions {
  /** Weights that share one absmax. */
  readonly blockSize: (typeof BLOCK_SIZES)[number]
  /** Whether the absmax values are quantized too. */
  readonly doubleQuantization: boolean
}

/** The options for people. */
export const OPTION_WORDS = { blockSize: 'block size', doubleQuantization: 'double quantization' } as const

export const SCALE_DEFAULTS: ScaleOptions = { blockSize: 64, doubleQuantization: true }

/** What a trainer must be told to quantize as Quail did. */
export interface TrainerSettings {
  /** Arguments of transformers' `BitsAndBytesConfig` that decide the values. */
  readonly config: (options: ScaleOptions) => readonly string[]
  /** Further arguments, that decide what is computed in. */
  readonly computing: readonly string[]
  /** The only block size that transformers quantizes with: it has no setting for it. */
  readonly blockSize?: ScaleOptions['blockSize']
  /** What may keep bitsandbytes from quantizing so, and the way out; ends a sentence. */
  readonly mind?: string
  /** Lines of Axolotl's YAML. */
  readonly axolotl: (options: ScaleOptions) => readonly string[]
  /** Lines of LLaMA-Factory's YAML. */
  readonly llamaFactory: (options: ScaleOptions) => readonly string[]
  /** Arguments of Unsloth's `from_pretrained`. */
  readonly unsloth: readonly string[]
  /** Where the defaults of these three are another quantization: what they do, and what to do about it. */
  readonly otherDefault: (options: ScaleOptions) => { readonly says: string; readonly fix: string } | undefined
}

export interface QuantizerFacts {
  /** As people call it. */
  readonly label: string
  /** The options that it has; the others stay at their defaults. */
  readonly options: readonly (keyof ScaleOptions)[]
  /** What shares a scale: `one scale for each row`. */
  readonly scales: string
  /** Undefined where no trainer quantizes so: an adapter then needs a base that was dequantized from Quail's own. */
  readonly trainer: TrainerSettings | undefined
  /** How a checkpoint stores it, where one can be written and read. */
  readonly stored?: 'fourBit'
  /** Bases that the form offers beside that of the defaults. */
  readonly alsoOffered?: readonly Partial<ScaleOptions>[]
}

/** Axolotl's key above further arguments of BitsAndBytesConfig; it reads them of 4 bits alone. */
export const AXOLOTL_ARGUMENTS = 'bnb_config_kwargs:'

/** A 4-bit format of bitsandbytes; `type` is its `bnb_4bit_quant_type`. */
const fourBit = (label: string, type: string) =>
  ({
    label,
    options: ['blockSize', 'doubleQuantization'],
    scales: 'an absmax for each block',
    stored: 'fourBit',
    trainer: {
      config: ({ doubleQuantization }) => [
        'load_in_4bit=True',
        `bnb_4bit_quant_type="${type}"`,
        `bnb_4bit_use_double_quant=${doubleQuantization ? 'True' : 'False'}`
      ],
      computing: ['bnb_4bit_compute_dtype=torch.bfloat16'],
      blockSize: 64,
      mind: 'on AMD cards use bitsandbytes 0.49.2 or newer, older ones take blocks of 128',
      axolotl: ({ doubleQuantization }) => [
        'load_in_4bit: true',
        'adapter: qlora',
        AXOLOTL_ARGUMENTS,
        `  bnb_4bit_quant_type: ${type}`,
        `  bnb_4bit_use_double_quant: ${doubleQuantization}`
      ],
      llamaFactory: ({ doubleQuantization }) => [
        'quantization_bit: 4',
        `quantization_type: ${type}`,
        `double_quantization: ${doubleQuantization}`
      ],
      unsloth: ['load_in_4bit=True'],
      otherDefault: ({ doubleQuantization }) =>
        doubleQuantization
          ? undefined
          : {
              says: 'double quantization is on unless it is switched off, and this adapter was made without it',
              fix: 'Switch it off as the snippets do.'
            }
    }
  }) as const satisfies QuantizerFacts

/** Every format, in the order in which they are offered; the first is taken where nobody chooses. */
const FACTS = {
  nf4: { ...fourBit('NF4', 'nf4'), alsoOffered: [{ doubleQuantization: false }] },
  fp4: fourBit('FP4', 'fp4'),
  int8: {
    label: 'INT8',
    options: [],
    scales: 'one scale for each row',
    trainer: {
      config: () => ['load_in_8bit=True'],
      computing: [],
      axolotl: () => ['load_in_8bit: true', 'adapter: lora'],
      llamaFactory: () => ['quantization_bit: 8'],
      unsloth: ['load_in_4bit=False', 'load_in_8bit=True'],
      otherDefault: () => ({
        says: 'load in 4 bits unless told otherwise',
        fix: 'Load in 8 bits as the snippets do.'
      })
    }
  }
} as const satisfies Record<string, QuantizerFacts>

export type QuantizerFormat = keyof typeof FACTS
/** Formats that a checkpoint stores as 4-bit codes of bitsandbytes. */
export type FourBitFormat = {
  [F in QuantizerFormat]: (typeof FACTS)[F] extends { readonly stored: 'fourBit' } ? F : never
}[QuantizerFormat]

export const QUANTIZERS = Object.keys(FACTS) as QuantizerFormat[]
export const DEFAULT_QUANTIZER = 'nf4' satisfies QuantizerFormat

export const quantizerFacts = (format: QuantizerFormat): QuantizerFacts => FACTS[format]

/** False for a name of another version. */
export const isQuantizer = (format: string): format is QuantizerFormat => Object.hasOwn(FACTS, format)

export const FOUR_BIT_FORMATS = QUANTIZERS.filter(
  (format): format is FourBitFormat => quantizerFacts(format).stored === 'fourBit'
)

/** The formats that have an option, for people: `nf4, fp4`. */
export const formatsWith = (option: keyof ScaleOptions): string =>
  QUANTIZERS.filter((format) => quantizerFacts(format).options.includes(option)).join(', ')
