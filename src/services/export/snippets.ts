import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, badInput } from '../../shared/errors'
import type { Snippet, Trainer } from '../../shared/exports'
import {
  isQuantizedByTrainers,
  NO_TRAINER,
  type QuantizedBase,
  type TrainerWords,
  trainerWords
} from '../../shared/quantizerWords'
import { quotedText } from '../../shared/quoting'
import { torchDtype } from '../../shared/torchDtypes'

/*
 * Starting points for trainers. The texts lie in resources/snippets; `{{name}}` in them stands for a value, written as a
 * JSON string where it is a text, which is a string of Python and of YAML alike.
 */

/** What a snippet is filled with. */
export interface SnippetValues {
  /** Paths as the trainer should see them. */
  readonly model: string
  readonly adapter: string
  readonly quantizer: QuantizedBase
  /** Whether `model` holds the base quantized already: it is read as it is, whatever its options. */
  readonly stored?: boolean
  /** In which the checkpoint holds its weights: BF16, F16 or F32. */
  readonly dtype: string
  readonly rank: number
  readonly alpha: number
  readonly rslora: boolean
  readonly targetModules: readonly string[]
  /** The class of transformers that loads the model. */
  readonly loader: string
}

const FILES: readonly (Omit<Snippet, 'text'> & { readonly template: string })[] = [
  { trainer: 'peft', title: 'PEFT', language: 'python', template: 'load.py', fileName: 'load_adapter.py' },
  { trainer: 'trl', title: 'TRL', language: 'python', template: 'trl.py', fileName: 'train_trl.py' },
  { trainer: 'axolotl', title: 'Axolotl', language: 'yaml', template: 'axolotl.yaml', fileName: 'axolotl.yaml' },
  {
    trainer: 'llama-factory',
    title: 'LLaMA-Factory',
    language: 'yaml',
    template: 'llama_factory.yaml',
    fileName: 'llama_factory.yaml'
  },
  { trainer: 'unsloth', title: 'Unsloth', language: 'python', template: 'unsloth.py', fileName: 'train_unsloth.py' }
]

/** Whether a trainer can be told of the base. */
export const isKnownToTrainers = ({
  quantizer,
  stored = false
}: Pick<SnippetValues, 'quantizer' | 'stored'>): boolean => stored || isQuantizedByTrainers(quantizer)

/** Every snippet, filled; none where no trainer quantizes so. `resources` is the directory that comes with Quail. */
export async function fillSnippets(resources: string, values: SnippetValues): Promise<Snippet[]> {
  if (!isKnownToTrainers(values)) return []
  return Promise.all(FILES.map((file) => fill(resources, file, values)))
}

/**
 * One snippet, filled.
 *
 * @throws {AppError} BAD_INPUT where no trainer quantizes so
 */
export function fillSnippet(resources: string, trainer: Trainer, values: SnippetValues): Promise<Snippet> {
  const file = FILES.find((one) => one.trainer === trainer)
  if (file === undefined) throw new AppError('INTERNAL', `there is no snippet for ${trainer}`)
  return fill(resources, file, values)
}

async function fill(resources: string, file: (typeof FILES)[number], values: SnippetValues): Promise<Snippet> {
  const { template, ...rest } = file
  const known = { ...wordsOf(values), load: '' }
  const read = (name: string): Promise<string> => readFile(join(resources, 'snippets', name), 'utf8')
  if (template !== 'load.py') known.load = replaceWords(await read('load.py'), known, 'load.py').trimEnd()
  return { ...rest, text: replaceWords(await read(template), known, template) }
}

function wordsOf(values: SnippetValues): Record<string, string> {
  const { model, adapter, quantizer, dtype, rank, alpha, rslora, targetModules, loader } = values
  const trained = trainerWords(quantizer)
  if (trained === undefined || !isKnownToTrainers(values)) throw badInput(`${quantizer.format}: ${NO_TRAINER}`)
  const loaded = torchDtype(dtype)
  const python = (yes: boolean): string => (yes ? 'True' : 'False')
  return {
    model: quotedText(model),
    factory_model: quotedText(trained.skipModules === undefined ? model : EXPORTED_BASE),
    adapter: quotedText(adapter),
    ...quantizationWords(trained),
    ...configWords(trained, values.stored === true),
    dtype: loaded,
    bf16_py: python(loaded !== 'float16'),
    fp16_py: python(loaded === 'float16'),
    bf16: String(loaded === 'bfloat16'),
    fp16: String(loaded === 'float16'),
    rank: String(rank),
    alpha: String(alpha),
    rslora: String(rslora),
    targets: `[${targetModules.map(quotedText).join(',')}]`,
    loader
  }
}

/** In the place of a model that LLaMA-Factory would quantize otherwise, or not at all. */
const EXPORTED_BASE = 'PATH_OF_A_BASE_THAT_QUAIL_EXPORTED'

/** How each trainer is told the format of the base. */
const quantizationWords = (words: TrainerWords): Record<string, string> => ({
  quantization: words.wholeConfig.join(', '),
  axolotl_quantization: words.axolotl.join('\n'),
  factory_quantization: words.llamaFactory.join('\n'),
  unsloth_bits: words.unsloth.join(',\n    ')
})

/** How transformers is told, unless the base is quantized already: it would warn that its own settings are taken. */
const configWords = ({ wholeConfig }: TrainerWords, stored: boolean): Record<string, string> => ({
  config_class: stored ? '' : ', BitsAndBytesConfig',
  config_line: stored ? '' : `quantization = BitsAndBytesConfig(${wholeConfig.join(', ')})\n`,
  config_argument: stored ? '' : ', quantization_config=quantization'
})

const replaceWords = (text: string, words: Readonly<Record<string, string>>, file: string): string =>
  text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const word = words[name]
    if (word === undefined) throw new AppError('INTERNAL', `resources/snippets/${file} asks for ${name}`)
    return word
  })
