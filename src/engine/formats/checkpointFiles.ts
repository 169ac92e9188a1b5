import { join } from 'node:path'
import { type AppError, badFormat, badInput } from '../../shared/errors'
import { shownValue } from '../../shared/shownValue'
import { readJsonWithDigest, readStrictJsonFile, writeFileAtomic } from './files'
import { MAX_CONFIG_BYTES, MAX_INDEX_BYTES, MAX_SHARDS } from './limits'
import { pythonInt, pythonJsonFile } from './pythonJson'
import { type JsonValue, showJson } from './strictJson'
import { TORCH_EXTENSION } from './torchFile'

/*
 * Which files of a Hugging Face directory hold the weights: the file that `transformers_weights` of config.json names, or
 * else `model.safetensors` if it is there, or else the shards that `model.safetensors.index.json` names, or else
 * `pytorch_model.bin` or its shards: the order in which transformers looks too. Others beside them, as
 * `consolidated.safetensors` or `model.fp16.safetensors`, are not looked at.
 *
 * Source: transformers 5.23, modeling_utils.py, _get_resolved_checkpoint_files; 4.57 does the same.
 */

/** The names of weights of one format. */
interface WeightForm {
  readonly single: string
  readonly index: string
  readonly extension: string
}

const SAFETENSORS: WeightForm = {
  single: 'model.safetensors',
  index: 'model.safetensors.index.json',
  extension: '.safetensors'
}
const TORCH: WeightForm = {
  single: 'pytorch_model.bin',
  index: 'pytorch_model.bin.index.json',
  extension: TORCH_EXTENSION
}

export const CONFIG_FILE = 'config.json'

const HOW_TO_CONVERT =
  'Quail reads safetensors, written by transformers with model.save_pretrained(directory, safe_serialization=True)'

/** What a config.json says, and the digest of just these bytes: the file may be another one a moment later. */
export interface ReadConfig {
  readonly config: Readonly<Record<string, unknown>>
  readonly configSha256: string
}

/**
 * Reads `config.json` of full-precision weights.
 *
 * @throws {AppError} BAD_INPUT if it is missing or describes quantized weights, BAD_FORMAT if it is no JSON object
 */
export async function readConfig(directory: string): Promise<ReadConfig> {
  const read = await readAnyConfig(directory)
  if (isQuantized(read.config)) throw quantizedAlready(directory, read.config)
  return read
}

/** Whether a config.json says that the weights are quantized. */
export const isQuantized = ({ quantization_config: found }: Readonly<Record<string, unknown>>): boolean =>
  found !== undefined && found !== null

/**
 * How weights were quantized, by a `quantization_config` as transformers reads it: those written before 4.33 have no
 * `quant_method`, and load_in_4bit or load_in_8bit alone mean bitsandbytes.
 *
 * Source: transformers 5.23, quantizers/auto.py, AutoQuantizationConfig.from_dict.
 */
export const quantMethodOf = (quantization: Readonly<Record<string, unknown>>): unknown =>
  quantization.load_in_4bit === true || quantization.load_in_8bit === true ? 'bitsandbytes' : quantization.quant_method

/** What is said where full-precision weights are needed. */
export function quantizedAlready(directory: string, config: Readonly<Record<string, unknown>>): AppError {
  const quantization = config.quantization_config
  const method = isRecord(quantization) ? quantMethodOf(quantization) : undefined
  const found = typeof method === 'string' ? ` (quant_method ${shownValue(method)})` : ''
  const already = `${directory} holds weights that are already quantized${found}, says its config.json`
  if (method === 'mxfp4') {
    const remedy = 'load it with Mxfp4Config(dequantize=True) in bfloat16 and save it first'
    return badInput(`${already}; transformers does not quantize such a checkpoint with bitsandbytes: ${remedy}`)
  }
  const isBase = isRecord(quantization) && method === 'bitsandbytes' && quantization.load_in_4bit === true
  const base = isBase ? ', and can take these as its base' : ''
  return badInput(`${already}; Quail needs the full-precision checkpoint that they were made from${base}`)
}

/**
 * Reads `config.json`, whatever the weights are.
 *
 * @throws {AppError} BAD_INPUT if it is missing, BAD_FORMAT if it is no JSON object
 */
export async function readAnyConfig(directory: string): Promise<ReadConfig> {
  const path = join(directory, CONFIG_FILE)
  const { value: config, sha256: configSha256 } = await readJsonWithDigest(path, MAX_CONFIG_BYTES)
  if (isRecord(config)) return { config, configSha256 }
  throw badFormat(`${path} is not a JSON object`)
}

/**
 * Sees by the names of its files whether a directory is a checkpoint at all.
 *
 * @throws {AppError} BAD_INPUT, with what was found instead
 */
export function assertCheckpoint(directory: string, names: readonly string[]): void {
  const form = findForm(names)
  if (isHubRepository(names)) {
    throw badInput(
      `${directory} is not a checkpoint, but all of what the Hugging Face cache holds of one: give the directory of a ` +
        'snapshot below it, snapshots/<revision>'
    )
  }
  if (!names.includes(CONFIG_FILE) && (form !== undefined || !names.some(isForeignWeights))) {
    throw badInput(`${directory} is not a checkpoint: there is no config.json in it`)
  }
  if (form === undefined && !names.includes(CONFIG_FILE)) throw noWeights(directory, names)
}

/** What `huggingface_hub` makes for each model, `models--org--name`: the files of a checkpoint lie two levels below. */
const isHubRepository = (names: readonly string[]): boolean =>
  names.includes('snapshots') && !names.includes(CONFIG_FILE) && (names.includes('blobs') || names.includes('refs'))

/**
 * Finds the weights among the files of a directory: the names of the weight files.
 *
 * @throws {AppError} BAD_INPUT, with what was found instead; BAD_FORMAT for an index that cannot be trusted
 */
export async function findWeights(
  directory: string,
  names: readonly string[],
  { transformers_weights: named }: Readonly<Record<string, unknown>> = {}
): Promise<string[]> {
  const form = named === undefined || named === null ? findForm(names) : namedForm(directory, names, named)
  if (form === undefined) throw noWeights(directory, names)
  if (names.includes(form.single)) return [form.single]
  const shards = await readIndex(directory, form)
  const missing = absent(shards, names)
  if (missing.length > 0) {
    throw badInput(`${directory}: ${form.index} names ${shards.length} shards, missing: ${shown(missing)}`)
  }
  return shards
}

/** Shards that the index of a directory names and that are not among its files; none where there is no usable index. */
export async function missingShards(directory: string, names: readonly string[]): Promise<string[]> {
  const form = findForm(names)
  if (form === undefined || names.includes(form.single)) return []
  return absent(await readIndex(directory, form).catch(() => []), names)
}

/** The one file, or the index of shards, that config.json names. */
function namedForm(directory: string, names: readonly string[], named: unknown): WeightForm {
  const where = `${join(directory, CONFIG_FILE)}: transformers_weights is ${shownValue(named)}`
  if (typeof named !== 'string' || !/^[^/\\\0]+\.safetensors(?:\.index\.json)?$/.test(named)) {
    throw badInput(`${where}; the name of a .safetensors file or of an index of such files beside it can be read`)
  }
  if (!names.includes(named)) throw badInput(`${where}, but there is no such file`)
  return { ...SAFETENSORS, ...(named.endsWith('.json') ? { single: '', index: named } : { single: named }) }
}

const findForm = (names: readonly string[]): WeightForm | undefined =>
  [SAFETENSORS, TORCH].find(({ single, index }) => names.includes(single) || names.includes(index))

const absent = (shards: readonly string[], names: readonly string[]): string[] => {
  const there = new Set(names)
  return shards.filter((shard) => !there.has(shard))
}

const isForeignWeights = (name: string): boolean => /\.(?:bin|pth|pt|gguf|h5|msgpack|ckpt|safetensors)$/.test(name)

function noWeights(directory: string, names: readonly string[]): AppError {
  const safetensors = names.filter((name) => name.endsWith('.safetensors'))
  const others = names.filter((name) => isForeignWeights(name) && !safetensors.includes(name))
  const expected = `neither ${SAFETENSORS.single} nor ${SAFETENSORS.index}`
  if (safetensors.includes('adapter_model.safetensors')) {
    return badInput(`${directory} is an adapter, not a model: give the directory of its base model`)
  }
  if (safetensors.length > 0) return badInput(`${directory} holds ${expected}, only ${shown(safetensors)}`)
  if (others.length > 0) return badInput(`${directory} holds its weights only as ${shown(others)}; ${HOW_TO_CONVERT}`)
  return badInput(`${directory} holds no weights: ${expected} is in it`)
}

/** The first few of a list of names, for a message. */
const shown = (names: readonly string[]): string =>
  names.length > 4 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')

/** The names of the shards that an index names, sorted. */
async function readIndex(directory: string, { index, extension }: WeightForm): Promise<string[]> {
  const path = join(directory, index)
  const weightMap = await readWeightMap(path)
  const shards = new Set<string>()
  for (const [tensor, shard] of weightMap) {
    if (typeof shard !== 'string')
      throw badFormat(`${path}: the file of tensor ${showJson(tensor)} is ${showJson(shard)}`)
    if (!isPlainShardName(shard, extension)) {
      const expected = `the name of a ${extension} file in the same directory was expected`
      throw badFormat(`${path}: the file of tensor ${showJson(tensor)} is ${showJson(shard)}, ${expected}`)
    }
    shards.add(shard)
  }
  if (shards.size > MAX_SHARDS) throw badFormat(`${path} names ${shards.size} files; at most ${MAX_SHARDS} are read`)
  return [...shards].sort()
}

async function readWeightMap(path: string): Promise<ReadonlyMap<string, JsonValue>> {
  const root = await readStrictJsonFile(path, MAX_INDEX_BYTES)
  const weightMap = root instanceof Map ? root.get('weight_map') : undefined
  if (!(weightMap instanceof Map))
    throw badFormat(`${path}: weight_map is ${showJson(weightMap)}, an object was expected`)
  if (weightMap.size === 0) throw badFormat(`${path}: weight_map names no tensors`)
  return weightMap
}

/**
 * Writes `model.safetensors.index.json` as transformers does.
 *
 * @param bytes - of all tensors, without the headers
 */
export async function writeWeightIndex(
  directory: string,
  { shardOf, bytes, parameters }: { shardOf: ReadonlyMap<string, string>; bytes: number; parameters: number }
): Promise<void> {
  const metadata = new Map([
    ['total_parameters', pythonInt(parameters)],
    ['total_size', pythonInt(bytes)]
  ])
  const index = new Map<string, JsonValue>([
    ['metadata', metadata],
    ['weight_map', shardOf]
  ])
  await writeFileAtomic(join(directory, SAFETENSORS.index), pythonJsonFile(index))
}

/** A name that cannot lead out of the directory. */
const isPlainShardName = (name: string, extension: string): boolean =>
  name.endsWith(extension) && !/[/\\\0]/.test(name) && !name.includes('..')

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
