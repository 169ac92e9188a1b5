import { join } from 'node:path'
import { z } from 'zod'
import { badFormat, badInput } from '../../shared/errors'
import { shownValue } from '../../shared/shownValue'
import { type AdapterFactors, readFactors } from './adapterFactors'
import { listDirectory, readJsonFile } from './files'
import { MAX_CONFIG_BYTES } from './limits'
import { ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, type AdapterSettings } from './peftAdapter'

/** The older file of weights, written with safe_serialization=False; read where there is no other, as PEFT does. */
const ADAPTER_TORCH_FILE = 'adapter_model.bin'

/** An adapter as read; every module has both factors, of one rank, by key `base_model.model.<module>.lora_A.weight`. */
export interface ReadAdapter extends AdapterFactors {
  readonly directory: string
  readonly config: AdapterConfig
  readonly settings: AdapterSettings
}

/** A variant of LoRA whose factors mean something else: absent, or off. */
const off = z.union([z.literal(false), z.null()]).optional()

/** A choice of LoRA that is off where it is not made. */
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false)

const ConfigFields = z.looseObject({
  peft_type: z.literal('LORA'),
  r: z.int().min(1),
  lora_alpha: z.number(),
  use_rslora: flag,
  use_dora: flag,
  use_qalora: off,
  use_bdlora: off,
  alora_invocation_tokens: off,
  arrow_config: off,
  kasa_config: off,
  monteclora_config: off,
  rank_pattern: z.record(z.string(), z.int().min(1)).nullable().default(null),
  alpha_pattern: z.record(z.string(), z.number()).nullable().default(null),
  target_modules: z
    .union([z.string(), z.array(z.string())])
    .nullable()
    .default(null),
  target_parameters: z.array(z.string()).nullish(),
  base_model_name_or_path: z.string().nullable().default(null)
})

/** The fields of an adapter_config.json that Quail reads, and every other as it is. */
export type AdapterConfig = z.infer<typeof ConfigFields>

/** Values of `init_lora_weights` with which PEFT leaves the base as it is when it loads the adapter. */
const HARMLESS_STARTS: readonly unknown[] = [undefined, null, true, false, 'gaussian', 'orthogonal', 'eva', 'mica']

/**
 * Reads a LoRA adapter of linear layers, with or without DoRA, written by Quail or by PEFT.
 *
 * A `target_modules` that is one text (a pattern, or "all-linear") becomes a list of one.
 *
 * @throws {AppError} BAD_INPUT for missing files, BAD_FORMAT for a config or weights that cannot be such an adapter
 */
export async function readAdapterDirectory(directory: string): Promise<ReadAdapter> {
  const { config, weights } = await readAny(directory)
  const { r, lora_alpha, use_rslora, rank_pattern, target_modules, target_parameters, base_model_name_or_path } = config
  const { init_lora_weights: start } = config
  if (!HARMLESS_STARTS.includes(start)) {
    const why = 'PEFT starts so again when it loads the adapter, which changes the base; save it as a plain one'
    throw badFormat(`${join(directory, ADAPTER_CONFIG_FILE)}: init_lora_weights is ${shownValue(start)}: ${why}`)
  }
  // Of experts, which target_parameters names, factors have r ranks for each.
  const sameRank = Object.keys(rank_pattern ?? {}).length === 0 && !(target_parameters ?? []).length
  const factors = await readFactors(join(directory, weights), sameRank ? r : undefined)
  const targetModules = typeof target_modules === 'string' ? [target_modules] : (target_modules ?? [])
  const settings = { rank: r, alpha: lora_alpha, rslora: use_rslora, targetModules, baseModel: base_model_name_or_path }
  return { directory, config, settings, ...factors }
}

/**
 * Reads the config of a plain LoRA adapter whose weights lie beside it as safetensors, which is what Quail writes.
 *
 * @throws {AppError} as `readAdapterDirectory`
 */
export async function readAdapterConfig(directory: string): Promise<AdapterConfig> {
  const { config, weights } = await readAny(directory)
  if (weights !== ADAPTER_WEIGHTS_FILE) throw badInput(`${directory} holds no ${ADAPTER_WEIGHTS_FILE}, only ${weights}`)
  if (!config.use_dora) return config
  throw badFormat(`${join(directory, ADAPTER_CONFIG_FILE)}: use_dora is true, a plain LoRA adapter was expected`)
}

/**
 * The base that an adapter names, whatever kind of LoRA it is.
 *
 * @throws {AppError} as `readAdapterDirectory`
 */
export const readNamedBase = async (directory: string): Promise<string | null> =>
  (await readAny(directory)).config.base_model_name_or_path

/** The config, and the name of the file of weights beside it. */
async function readAny(directory: string): Promise<{ config: AdapterConfig; weights: string }> {
  const names = await listDirectory(directory, 'adapter directory')
  if (!names.includes(ADAPTER_CONFIG_FILE)) {
    throw badInput(`${directory} is not an adapter: there is no ${ADAPTER_CONFIG_FILE} in it`)
  }
  const weights = [ADAPTER_WEIGHTS_FILE, ADAPTER_TORCH_FILE].find((name) => names.includes(name))
  if (weights === undefined) throw badInput(`${directory} holds no ${ADAPTER_WEIGHTS_FILE}`)
  const path = join(directory, ADAPTER_CONFIG_FILE)
  const config = await readJsonFile(path, MAX_CONFIG_BYTES)
  const fields = ConfigFields.safeParse(config)
  if (fields.success) return { config: fields.data, weights }
  const [issue] = fields.error.issues
  const key = issue?.path[0]
  const found = key === undefined ? config : (config as Record<PropertyKey, unknown>)[key]
  throw badFormat(`${path}: ${String(key ?? 'the content')} is ${shownValue(found)}: ${issue?.message}`)
}
