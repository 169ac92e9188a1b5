import { isDeepStrictEqual } from 'node:util'
import { isRecord } from '../formats/checkpointFiles'
import { addedTokensOf, type TokenizerDefinition } from './tokenizerDefinition'

/*
 * AutoTokenizer of transformers 5 does not execute the tokenizer.json of some classes: it takes vocabulary, merges, added
 * tokens and post-processor from it, and builds the rest as the class has it. transformers 4 and PreTrainedTokenizerFast
 * execute the file.
 *
 * Source: transformers 5.23 (AutoTokenizer.from_pretrained, TokenizersBackend.convert_to_native_format, the classes below).
 */

type Settings = Readonly<Record<string, unknown>>
type Parts = Pick<TokenizerDefinition, 'normalizer' | 'pre_tokenizer' | 'model'>

const QWEN_REGEX =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/** The same, with marks as parts of words. */
const QWEN3_5_REGEX = QWEN_REGEX.replaceAll('\\p{L}+', '[\\p{L}\\p{M}]+').replaceAll('\\s\\p{L}', '\\s\\p{L}\\p{M}')

const byteLevel = (config: Settings, use_regex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: config.add_prefix_space === true,
  trim_offsets: true,
  use_regex
})

/** What the classes build, each from tokenizer_config.json. */
const BUILT: Readonly<Record<string, (config: Settings) => Parts>> = {
  LlamaTokenizer: (config) => ({
    normalizer: null,
    pre_tokenizer: { type: 'Metaspace', replacement: '\u2581', prepend_scheme: prependScheme(config), split: false },
    model: { fuse_unk: true, byte_fallback: true }
  }),
  GemmaTokenizer: (config) => ({
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' },
    pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false },
    model: { fuse_unk: true, byte_fallback: true, unk_token: config.unk_token ?? '<unk>' }
  }),
  Qwen2Tokenizer: (config) => ({
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: QWEN_REGEX }, behavior: 'Isolated', invert: false },
        byteLevel(config, false)
      ]
    },
    model: {}
  }),
  Qwen3_5Tokenizer: (config) => ({
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: QWEN3_5_REGEX }, behavior: 'Isolated', invert: false },
        byteLevel(config, false)
      ]
    },
    model: {}
  }),
  CohereTokenizer: (config) => ({
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel(config, true)]
    },
    model: {}
  }),
  GPT2Tokenizer: (config) => ({ normalizer: null, pre_tokenizer: byteLevel(config, true), model: {} }),
  GPTNeoXTokenizer: (config) => ({ normalizer: { type: 'NFC' }, pre_tokenizer: byteLevel(config, true), model: {} })
}

function prependScheme({ add_prefix_space, legacy }: Settings): string {
  if (add_prefix_space === false) return 'never'
  return legacy === true ? 'always' : 'first'
}

/** The class that transformers has for a model type; families that are not here have none of their own. */
const CLASS_OF_TYPE: Readonly<Record<string, string>> = {
  qwen2: 'Qwen2Tokenizer',
  qwen3: 'Qwen2Tokenizer',
  qwen3_moe: 'Qwen2Tokenizer',
  qwen2_moe: 'Qwen2Tokenizer',
  gemma: 'GemmaTokenizer',
  gemma2: 'GemmaTokenizer',
  gemma3_text: 'GemmaTokenizer',
  gemma3: 'GemmaTokenizer',
  gemma3n: 'GemmaTokenizer',
  gemma3n_text: 'GemmaTokenizer',
  mistral3: 'TokenizersBackend',
  llava: 'TokenizersBackend',
  llava_next: 'TokenizersBackend',
  vipllava: 'TokenizersBackend',
  internvl: 'Qwen2Tokenizer',
  aya_vision: 'CohereTokenizer',
  idefics2: 'LlamaTokenizer',
  smolvlm: 'TokenizersBackend',
  ovis2: 'Qwen2Tokenizer',
  lighton_ocr: 'Qwen2Tokenizer',
  glm4v: 'TokenizersBackend',
  glm4v_moe: 'TokenizersBackend',
  paddleocr_vl: 'TokenizersBackend',
  got_ocr2: 'TokenizersBackend',
  minicpmv4_6: 'TokenizersBackend',
  minicpmv4_7: 'TokenizersBackend',
  minicpm_ocr: 'TokenizersBackend',
  hunyuan_vl: 'Qwen2Tokenizer',
  hyperclovax_vision_v2: 'GPT2Tokenizer',
  qwen2_vl: 'Qwen2Tokenizer',
  qwen2_5_vl: 'Qwen2Tokenizer',
  qwen3_vl: 'Qwen2Tokenizer',
  qwen3_vl_moe: 'Qwen2Tokenizer',
  qwen3_next: 'Qwen2Tokenizer',
  qwen3_5: 'Qwen3_5Tokenizer',
  qwen3_5_text: 'Qwen3_5Tokenizer',
  qwen3_5_moe: 'Qwen3_5Tokenizer',
  qwen3_5_moe_text: 'Qwen3_5Tokenizer',
  gpt_neox: 'GPTNeoXTokenizer',
  opt: 'GPT2Tokenizer',
  gpt2: 'GPT2Tokenizer',
  gpt_neo: 'GPT2Tokenizer',
  persimmon: 'TokenizersBackend',
  mistral: 'TokenizersBackend',
  mixtral: 'TokenizersBackend',
  minimax_m2: 'TokenizersBackend',
  phi3: 'TokenizersBackend',
  phimoe: 'TokenizersBackend',
  granite: 'TokenizersBackend',
  cohere: 'CohereTokenizer',
  cohere2: 'CohereTokenizer',
  glm: 'TokenizersBackend',
  glm4: 'TokenizersBackend',
  starcoder2: 'GPT2Tokenizer',
  stablelm: 'TokenizersBackend',
  nemotron: 'TokenizersBackend',
  hyperclovax: 'TokenizersBackend',
  internlm3: 'TokenizersBackend',
  iquestcoder: 'TokenizersBackend',
  jais2: 'GPT2Tokenizer',
  jamba: 'TokenizersBackend',
  mpt: 'GPTNeoXTokenizer',
  phi: 'GPT2Tokenizer',
  gptj: 'GPT2Tokenizer',
  codegen: 'GPT2Tokenizer',
  gpt_bigcode: 'TokenizersBackend',
  olmo: 'GPTNeoXTokenizer',
  olmo2: 'TokenizersBackend',
  olmo3: 'TokenizersBackend',
  olmo_hybrid: 'TokenizersBackend',
  ministral: 'TokenizersBackend',
  ministral3: 'TokenizersBackend',
  ernie4_5: 'TokenizersBackend',
  olmoe: 'GPTNeoXTokenizer',
  flex_olmo: 'TokenizersBackend',
  granitemoe: 'TokenizersBackend',
  granitemoeshared: 'TokenizersBackend',
  granitemoehybrid: 'TokenizersBackend',
  glm4_moe: 'TokenizersBackend',
  glm4_moe_lite: 'TokenizersBackend',
  kimi_linear: 'TokenizersBackend',
  mimo_v2_flash: 'TokenizersBackend',
  minicpm3: 'TokenizersBackend',
  ernie4_5_moe: 'TokenizersBackend'
}

/** Types whose checkpoints name wrong classes so often that only the type counts. */
const ONLY_TYPE_COUNTS = new Set([
  'qwen2',
  'phi3',
  'phimoe',
  'minimax_m2',
  'ernie4_5',
  'ernie4_5_moe',
  'llava',
  'llava_next',
  'vipllava',
  'smolvlm',
  'paddleocr_vl',
  'hyperclovax_vision_v2',
  'qwen3_5',
  'qwen3_5_moe',
  'qwen3_5_moe_text'
])

/** The tokenizer that AutoTokenizer of transformers 5 builds in the place of a tokenizer.json, and its class. */
export interface RebuiltTokenizer {
  readonly className: string
  readonly definition: TokenizerDefinition
}

/**
 * @param config - tokenizer_config.json
 * @param modelConfig - config.json
 * @returns undefined where the file is executed, or says what the class would build
 */
export function rebuiltTokenizer(
  definition: TokenizerDefinition,
  config: Settings,
  modelConfig: Settings
): RebuiltTokenizer | undefined {
  const { vocab, merges, type } = definition.model
  const className = classOf(definition, config, modelConfig)
  const built = BUILT[className]?.(config)
  if (built === undefined || type !== 'BPE' || isRecord(config.auto_map)) return undefined
  const whole = { ...definition, ...built, model: { type, vocab, merges, ...built.model } }
  return isDeepStrictEqual(essence(definition), essence(whole)) ? undefined : { className, definition: whole }
}

/** Tokens that a class names where no file does. */
const TOKENS: Readonly<Record<string, Settings>> = {
  LlamaTokenizer: { unk_token: '<unk>', bos_token: '<s>', eos_token: '</s>' },
  GemmaTokenizer: {
    ...{ unk_token: '<unk>', bos_token: '<bos>', eos_token: '<eos>' },
    ...{ pad_token: '<pad>', mask_token: '<mask>' }
  },
  CohereTokenizer: {
    ...{ unk_token: '<UNK>', bos_token: '<BOS_TOKEN>', eos_token: '<|END_OF_TURN_TOKEN|>', pad_token: '<PAD>' },
    ...{ cls_token: '<CLS>', sep_token: '<SEP>', mask_token: '<MASK_TOKEN>' }
  },
  Qwen2Tokenizer: { unk_token: '<|endoftext|>', eos_token: '<|endoftext|>', pad_token: '<|endoftext|>' },
  Qwen3_5Tokenizer: { unk_token: '<|endoftext|>', eos_token: '<|endoftext|>', pad_token: '<|endoftext|>' },
  GPT2Tokenizer: { unk_token: '<|endoftext|>', bos_token: '<|endoftext|>', eos_token: '<|endoftext|>' },
  GPTNeoXTokenizer: {
    ...{ unk_token: '<|endoftext|>', bos_token: '<|endoftext|>', eos_token: '<|endoftext|>' },
    pad_token: '<|padding|>'
  }
}

/** What the class of a checkpoint's tokenizer calls its tokens by itself; arguments as of `rebuiltTokenizer`. */
export const tokensOfClass = (definition: TokenizerDefinition, config: Settings, modelConfig: Settings): Settings =>
  TOKENS[classOf(definition, config, modelConfig)] ?? {}

function classOf(definition: TokenizerDefinition, config: Settings, modelConfig: Settings): string {
  const type = String(modelConfig.model_type)
  const ofType = CLASS_OF_TYPE[type]
  const named = config.tokenizer_class ?? modelConfig.tokenizer_class
  if (typeof named !== 'string' || ONLY_TYPE_COUNTS.has(type)) return ofType ?? ''
  const name = named.replace(/Fast$/, '')
  if (ofType === 'TokenizersBackend') return ofType
  const isByteLevel = JSON.stringify(definition).includes('"ByteLevel"')
  return name === 'LlamaTokenizer' && isByteLevel ? 'TokenizersBackend' : name
}

/**
 * Whether AutoTokenizer would put another regular expression into a Mistral tokenizer, as `fix_mistral_regex` of
 * tokenizer_config.json asks it to do with checkpoints that transformers 4 wrote.
 */
export function replacesMistralRegex(
  { model, pre_tokenizer }: TokenizerDefinition,
  config: Settings,
  modelConfig: Settings
) {
  const isOld = !(Number.parseInt(String(modelConfig.transformers_version), 10) >= 5)
  const isLarge = Object.keys(model.vocab as object).length > 100_000
  const isMistral = modelConfig.model_type === 'mistral' || modelConfig.model_type === 'mistral3'
  return config.fix_mistral_regex === true && isMistral && isOld && isLarge && isRecord(pre_tokenizer)
}

/** What decides on the ids, without what stands for nothing. */
const essence = ({ normalizer, pre_tokenizer, model }: TokenizerDefinition): unknown => ({
  normalizer: normalizer ?? null,
  pre_tokenizer: pre_tokenizer ?? null,
  model: Object.entries(model)
    .filter(([key, value]) => key !== 'vocab' && key !== 'merges' && value !== null && value !== false && value !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1))
})

const PLACES = ['a', '.', ' ', '\n', '5']
const PIECES = [
  ...[
    'Hello',
    ' Hello',
    '  Hello',
    'a  b',
    'a\n\nb',
    '\ta',
    'a \n b',
    '12345 67',
    '½ Ⅷ ٣٤',
    "don't I'LL x'S",
    'a_b',
    '!?!'
  ],
  ...['e\u0301', '\u212b', '漢字。', 'हिन्दी', '👍🏽', '\u00a0\u0085\ufeff', 'x=1;', '<b>', '→ …', 'İSΣ']
]

/** Texts on which tokenizers differ, and such with the special tokens of this one inside. */
export function probes({ definition }: { readonly definition: TokenizerDefinition }): string[] {
  const special = addedTokensOf(definition).slice(0, 3)
  const inside = special.flatMap(({ content }) => [`${content}Hello`, `Hello${content}there`, `Hello ${content} there`])
  return [...PIECES, ...inside, ...PIECES.flatMap((piece) => PLACES.map((place) => `${place}${piece}${place}`))]
}
