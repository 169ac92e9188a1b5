import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BaseExportRequest } from '../../shared/baseExport'
import { badFormat } from '../../shared/errors'
import { CONFIG_FILE } from '../formats/checkpointFiles'
import { fileError, isMissing, readStrictJsonFile, writeFileAtomic } from '../formats/files'
import { refuseLfsPointer } from '../formats/lfsPointer'
import { MAX_CONFIG_BYTES } from '../formats/limits'
import { missingFile } from '../formats/missingFile'
import { pythonJsonFile } from '../formats/pythonJson'
import { quantizationConfig } from '../formats/quantizationConfig'
import type { JsonValue } from '../formats/strictJson'

/** What a checkpoint has beside config and weights that its user needs: tokenizer, templates, defaults of generation, images. */
const COMPANIONS = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'vocab.txt',
  'tokenizer.model',
  'spiece.model',
  'tekken.json', // transformers and vLLM take it before tokenizer.json where mistral-common is installed
  'chat_template.jinja',
  'chat_template.json',
  'processor_config.json',
  'preprocessor_config.json',
  'video_preprocessor_config.json'
]
const TEMPLATES_FOLDER = 'additional_chat_templates'

/** The models that a wrapper is made of, whose configs transformers writes with a dtype of their own. */
const MODEL_CONFIGS = [
  'text_config',
  'vision_config',
  'audio_config',
  'perceiver_config',
  'vq_config',
  'high_res_vision_config',
  'qformer_config'
]

/** transformers 5 says dtype, 4 said torch_dtype; each reads the other's name too. */
const DTYPE_KEYS = ['dtype', 'torch_dtype']

/** config.json of the checkpoint with the dtype and the quantization, as transformers writes it: sorted keys, indent of 2. */
export async function writeConfig(
  from: string,
  to: string,
  { quantizer, dtype, computeDtype }: BaseExportRequest,
  skipModules: readonly string[] | undefined
): Promise<void> {
  const config = await readStrictConfig(join(from, CONFIG_FILE))
  const keys = dtypeKeys(config)
  for (const key of keys.length === 0 ? ['dtype'] : keys) config.set(key, dtype)
  // A part with a config of its own, such as MPT's attn_config, is loaded in the same dtype.
  for (const [name, part] of config) {
    if (!(part instanceof Map)) continue
    const keys = dtypeKeys(part)
    if (keys.length === 0 && MODEL_CONFIGS.includes(name)) keys.push('dtype')
    if (keys.length > 0) config.set(name, new Map([...part, ...keys.map((key) => [key, dtype] as const)]))
  }
  config.delete('transformers_weights') // the name of a file that is not among those written
  config.set('quantization_config', quantizationConfig(quantizer, computeDtype, skipModules))
  await writeFileAtomic(join(to, CONFIG_FILE), pythonJsonFile(config))
}

const dtypeKeys = (config: ReadonlyMap<string, JsonValue>): string[] => DTYPE_KEYS.filter((key) => config.has(key))

/** Numbers stay as they are written: Python tells 10000.0 from 10000. */
async function readStrictConfig(path: string): Promise<Map<string, JsonValue>> {
  const config = await readStrictJsonFile(path, MAX_CONFIG_BYTES, { words: true })
  if (config instanceof Map) return new Map(config)
  throw badFormat(`${path} is not a JSON object`)
}

/** Copies what is there of tokenizer and templates, and returns the names. */
export async function copyCompanions(from: string, to: string): Promise<string[]> {
  const there = new Set(await readdir(from))
  const names = COMPANIONS.filter((name) => there.has(name))
  if (there.has(TEMPLATES_FOLDER)) {
    const templates = (await readdir(join(from, TEMPLATES_FOLDER))).filter((name) => name.endsWith('.jinja')).sort()
    names.push(...templates.map((name) => `${TEMPLATES_FOLDER}/${name}`))
    await mkdir(join(to, TEMPLATES_FOLDER))
  }
  for (const name of names) {
    const content = await readFile(join(from, name)).catch(async (error: unknown) => {
      throw isMissing(error) ? await missingFile(join(from, name)) : fileError(error, join(from, name))
    })
    refuseLfsPointer(content, join(from, name))
    await writeFileAtomic(join(to, name), content)
  }
  return names
}
