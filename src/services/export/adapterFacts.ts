import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PROOF_FILE, type ProofFields, readProof } from '../../engine/formats/adapterProof'
import { readAdapterConfig } from '../../engine/formats/readAdapter'
import { loaderOf } from '../../shared/textTower'

/** What an adapter's config and proof say that decides where it can be used; no weight is read. */
export interface AdapterFacts {
  readonly directory: string
  /** Highest rank of any of its linears. */
  readonly rank: number
  readonly alpha: number
  readonly rslora: boolean
  readonly hasRankPattern: boolean
  /** Whether a key of the patterns is more than names and dots. */
  readonly hasPatternExpressions: boolean
  readonly hasAlphaPattern: boolean
  readonly targetModules: readonly string[]
  readonly modulesToSave: readonly string[]
  readonly initializer: unknown
  /** Every key of adapter_config.json. */
  readonly configKeys: readonly string[]
  /** What the base was assumed to be; undefined without quail.json. */
  readonly fingerprint: BaseFacts | undefined
  /** The class of transformers that loads its model. */
  readonly loader: string
}

/** Without the digests of its linears. */
export type BaseFacts = Pick<
  ProofFields['fingerprint'],
  'base' | 'quantizer' | 'blockSize' | 'doubleQuantization' | 'skipModules' | 'dtype' | 'codes' | 'absmax'
>

/**
 * Reads what the compatibility report and the snippets need.
 *
 * @throws {AppError} BAD_INPUT when the directory is no adapter, BAD_FORMAT when its config or proof is damaged
 */
export async function readAdapterFacts(adapter: string): Promise<AdapterFacts> {
  const directory = resolve(adapter)
  const config = await readAdapterConfig(directory)
  const proofFile = join(directory, PROOF_FILE)
  const ranks = Object.values(config.rank_pattern ?? {})
  const { target_modules: targets } = config
  const proof = existsSync(proofFile) ? await readProof(proofFile) : undefined
  return {
    directory,
    rank: Math.max(config.r, ...ranks),
    alpha: config.lora_alpha,
    rslora: config.use_rslora,
    hasRankPattern: ranks.length > 0,
    hasPatternExpressions: [config.rank_pattern, config.alpha_pattern].some(
      (pattern) => isFilled(pattern) && Object.keys(pattern).some((key) => !/^[\w.]+$/.test(key))
    ),
    hasAlphaPattern: isFilled(config.alpha_pattern),
    targetModules: typeof targets === 'string' ? [targets] : (targets ?? []),
    modulesToSave: Array.isArray(config.modules_to_save) ? config.modules_to_save.map(String) : [],
    initializer: config.init_lora_weights ?? true,
    configKeys: Object.keys(config),
    fingerprint: proof?.fingerprint,
    loader: proof?.model?.tower?.loader ?? loaderOf(undefined)
  }
}

const isFilled = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0
