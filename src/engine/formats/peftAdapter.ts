import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../shared/errors'
import { writeDirectoryAtomic } from './atomicDirectory'
import type { FloatDtype } from './dtypes'
import { writeFileAtomic } from './files'
import { type TensorData, writeSafetensors } from './safetensorsWriter'

/*
 * A PEFT adapter directory. One of its keys, taken apart:
 *
 *   base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight
 *   └─── always ───┘ └──── path of the linear ─────┘ └ [r, in]; lora_B is [out, r]
 *
 * The path is the one in the class that transformers loads, which can have a prefix that the checkpoint's keys lack.
 */

export const ADAPTER_CONFIG_FILE = 'adapter_config.json'
export const ADAPTER_WEIGHTS_FILE = 'adapter_model.safetensors'

/** The two factors of one linear as they are stored, little-endian and row-major. */
export interface AdapterLinear {
  /** Module path, for example model.layers.0.self_attn.q_proj. */
  readonly name: string
  readonly outFeatures: number
  readonly inFeatures: number
  /** [rank, inFeatures] */
  readonly loraA: { readonly dtype: FloatDtype; readonly data: Uint8Array }
  /** [outFeatures, rank] */
  readonly loraB: { readonly dtype: FloatDtype; readonly data: Uint8Array }
}

/** What an adapter says about itself: scaling = alpha / rank, or alpha / sqrt(rank) when rank-stabilised. */
export interface AdapterSettings {
  readonly rank: number
  readonly alpha: number
  readonly rslora: boolean
  readonly targetModules: readonly string[]
  readonly baseModel: string | null
  /** Of linears with another rank than the others, by path; their scaling is the same. */
  readonly ranks?: readonly (readonly [path: string, rank: number])[]
}

/**
 * The content of adapter_config.json: the keys that every PEFT from 0.10 on knows, as 0.13 and older refuse others.
 *
 * `init_lora_weights` must be true: from_pretrained runs the named initializer again before it copies the weights in, and
 * some of those change the base.
 *
 * Source: huggingface/peft 5d602fdb, src/peft/tuners/lora/config.py; key set checked from tag v0.9.0 on.
 */
export function adapterConfig(settings: AdapterSettings): Record<string, unknown> {
  const { alpha, rank, rslora, ranks = [] } = settings
  const alphaOf = (own: number): number => alpha * (rslora ? Math.sqrt(own / rank) : own / rank)
  return {
    alpha_pattern: Object.fromEntries(ranks.map(([path, own]) => [path, alphaOf(own)])),
    auto_mapping: null,
    base_model_name_or_path: settings.baseModel,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    layers_to_transform: null,
    loftq_config: {},
    lora_alpha: settings.alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: 'LORA',
    r: settings.rank,
    rank_pattern: Object.fromEntries(ranks),
    revision: null,
    target_modules: [...settings.targetModules],
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: settings.rslora
  }
}

/** Key of a factor: `base_model.model.<module>.lora_A.weight`. */
export const adapterTensorName = (module: string, factor: 'A' | 'B'): string =>
  `base_model.model.${module}.lora_${factor}.weight`

/** The tensors of an adapter whose linears all have the same rank. */
export function adapterTensors(linears: readonly AdapterLinear[], rank: number): TensorData[] {
  return linears.flatMap(({ name, outFeatures, inFeatures, loraA, loraB }) => [
    { name: adapterTensorName(name, 'A'), shape: [rank, inFeatures], ...loraA },
    { name: adapterTensorName(name, 'B'), shape: [outFeatures, rank], ...loraB }
  ])
}

/** The written adapter: its directory, and length and SHA-256 of adapter_model.safetensors. */
export interface WrittenAdapter {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

/** What lies in an adapter directory; `extra`: texts beside the adapter, file name → content. */
export interface AdapterContent {
  readonly config: Record<string, unknown>
  readonly tensors: readonly TensorData[]
  readonly extra: Readonly<Record<string, string>>
}

/**
 * Writes an adapter directory, complete or not at all.
 *
 * @param out - must not exist, or be an empty directory
 * @throws {AppError} BAD_INPUT if `out` is taken, IO if it cannot be written; nothing is left behind
 */
export async function writeAdapterDirectory(out: string, content: AdapterContent): Promise<WrittenAdapter> {
  const texts = textsOf(content)
  return await writeDirectoryAtomic(out, async (directory) => {
    const weights = await writeSafetensors(join(directory, ADAPTER_WEIGHTS_FILE), content.tensors)
    for (const [name, text] of texts) await writeFileAtomic(join(directory, name), text)
    return { path: out, ...weights }
  })
}

/**
 * Writes anew what lies beside the weights of an adapter and says something else than the content does.
 *
 * @throws {AppError} IO, naming the file
 */
export async function renewAdapterTexts(directory: string, content: AdapterContent): Promise<void> {
  for (const [name, text] of textsOf(content)) {
    const path = join(directory, name)
    const present = await readFile(path, 'utf8').catch(() => undefined) // where it cannot be written either, that tells
    if (present !== text) await writeFileAtomic(path, text)
  }
}

/** What lies beside the weights, by name of the file. */
function textsOf({ config, extra }: AdapterContent): [name: string, text: string][] {
  assertExtraNames(Object.keys(extra))
  return [[ADAPTER_CONFIG_FILE, sortedJson(config)], ...Object.entries(extra)]
}

function assertExtraNames(names: readonly string[]): void {
  const wrong = names.find(
    (name) => /[/\\]/.test(name) || name === ADAPTER_CONFIG_FILE || name === ADAPTER_WEIGHTS_FILE
  )
  if (wrong !== undefined) throw new AppError('INTERNAL', `writeAdapterDirectory: ${wrong} cannot be an extra file`)
}

/** JSON as PEFT writes it: two spaces, keys sorted at the top, no newline at the end. */
function sortedJson(config: Record<string, unknown>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1))), null, 2)
}
