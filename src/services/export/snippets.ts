import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../shared/errors'
import type { Snippet, Trainer } from '../../shared/exports'
import { quantizerArguments } from '../../shared/quantizerWords'
import type { QuantizerSpec } from '../../shared/recipe'
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
  readonly quantizer: Pick<QuantizerSpec, 'format' | 'doubleQuantization'>
  /** In which the checkpoint holds its weights: BF16, F16 or F32. */
  readonly dtype: string
  readonly rank: number
  readonly alpha: number
  readonly rslora: boolean
  readonly targetModules: readonly string[]
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

/** Every snippet, filled; `resources` is the directory that comes with Quail. */
export function fillSnippets(resources: string, values: SnippetValues): Promise<Snippet[]> {
  return Promise.all(FILES.map((file) => fill(resources, file, values)))
}

/** One snippet, filled. */
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
  const { model, adapter, quantizer, dtype, rank, alpha, rslora, targetModules } = values
  const loaded = torchDtype(dtype)
  const python = (yes: boolean): string => (yes ? 'True' : 'False')
  return {
    model: JSON.stringify(model),
    adapter: JSON.stringify(adapter),
    ...quantizationWords(quantizer),
    dtype: loaded,
    bf16_py: python(loaded !== 'float16'),
    fp16_py: python(loaded === 'float16'),
    bf16: String(loaded === 'bfloat16'),
    fp16: String(loaded === 'float16'),
    rank: String(rank),
    alpha: String(alpha),
    rslora: String(rslora),
    targets: JSON.stringify(targetModules)
  }
}

/** How each trainer is told the format of the base. */
function quantizationWords({ format, doubleQuantization }: SnippetValues['quantizer']): Record<string, string> {
  const config = quantizerArguments({ quantizer: format, doubleQuantization })
  if (format === 'int8') {
    return {
      quantization: config.join(', '),
      axolotl_quantization: 'load_in_8bit: true\nadapter: lora',
      factory_quantization: 'quantization_bit: 8',
      unsloth_bits: 'load_in_4bit=False,\n    load_in_8bit=True'
    }
  }
  return {
    quantization: [...config, 'bnb_4bit_compute_dtype=torch.bfloat16'].join(', '),
    axolotl_quantization: [
      'load_in_4bit: true',
      'adapter: qlora',
      'bnb_config_kwargs:',
      `  bnb_4bit_quant_type: ${format}`,
      `  bnb_4bit_use_double_quant: ${doubleQuantization}`
    ].join('\n'),
    factory_quantization: [
      'quantization_bit: 4',
      `quantization_type: ${format}`,
      `double_quantization: ${doubleQuantization}`
    ].join('\n'),
    unsloth_bits: 'load_in_4bit=True'
  }
}

const replaceWords = (text: string, words: Readonly<Record<string, string>>, file: string): string =>
  text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const word = words[name]
    if (word === undefined) throw new AppError('INTERNAL', `resources/snippets/${file} asks for ${name}`)
    return word
  })
