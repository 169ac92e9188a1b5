import type { Verification } from '../../shared/plan'
import type { ProofFields } from '../formats/adapterProof'
import { adapterTensorName } from '../formats/peftAdapter'
import type { AdapterConfig, ReadAdapter } from '../formats/readAdapter'
import type { ModelArchitecture } from '../models/architecture'
import type { PreparedLinear } from '../models/modelLinears'
import { firstNonFinite } from '../numerics/matrix'
import { chosenLinears, patternValue } from './adapterTargets'
import { headOf, misshapenOther, unsavedModule } from './savedModules'

/*
 * What can be said of an adapter from its own files and the shapes of a model: of one by Quail, and of one that PEFT saved
 * after training.
 */

export type Check = Verification['checks'][number]

export const passed = (name: string, detail: string): Check => ({ name, ok: true, detail })
export const failed = (name: string, detail: string): Check => ({ name, ok: false, detail })
/** For what cannot be known from what is there. */
export const unknown = (name: string, detail: string): Check => ({ name, ok: null, detail })

/** Whether the factors are those of linears of the model, and of all that the config names. */
export function checkKeys(
  adapter: ReadAdapter,
  architecture: ModelArchitecture,
  linears: readonly PreparedLinear[]
): Check {
  const paths = linears.map(({ path }) => path)
  const head = headOf(architecture).path
  const modules = new Set([...adapter.tensors.values()].map(({ module }) => module))
  const foreign = [...modules].find((module) => !paths.includes(module) && module !== head)
  if (foreign !== undefined) return failed('keys', `${foreign} is no linear of this model`)
  const uneven = unevenMagnitude(adapter, modules) ?? unsavedModule(adapter, architecture)
  if (uneven !== undefined) return failed('keys', uneven)
  const parts = adapter.config.use_dora ? 'lora_A, lora_B and lora_magnitude_vector' : 'lora_A and lora_B'
  const detail = `${modules.size} linears, each with ${parts}`
  if ((adapter.config.layer_replication ?? null) !== null)
    return unknown('keys', `${detail}; layer_replication lets PEFT build other blocks, which are not checked`)
  const targets = chosenLinears(adapter.config, paths, head)
  if (targets === undefined) return unknown('keys', `${detail}; how adapter_config.json chooses them is not checked`)
  const missing = [...targets].find((path) => !modules.has(path))
  if (missing !== undefined) return failed('keys', `${missing} is a target but has no factors`)
  const extra = [...modules].find((path) => !targets.has(path))
  return extra === undefined ? passed('keys', detail) : failed('keys', `${extra} has factors but is no target`)
}

/** A module with factors alone where the config says DoRA, or with a magnitude that PEFT would leave out. */
function unevenMagnitude({ magnitudes, config }: ReadAdapter, modules: ReadonlySet<string>): string | undefined {
  if (config.use_dora) {
    const bare = [...modules].find((module) => !magnitudes.has(module))
    return bare && `${bare} has no lora_magnitude_vector, which use_dora asks for`
  }
  const [first] = magnitudes.keys()
  return first && `${first} has a lora_magnitude_vector, but adapter_config.json does not say use_dora`
}

/** Whether every factor has the shape that its linear and its rank ask for, and what was saved beside them that of its module. */
export function checkShapes(
  adapter: ReadAdapter,
  architecture: ModelArchitecture,
  linears: readonly PreparedLinear[]
): Check {
  const { tensors, magnitudes, settings, config } = adapter
  for (const { path, inFeatures, outFeatures } of [...linears, headOf(architecture)]) {
    const a = tensors.get(adapterTensorName(path, 'A'))
    const b = tensors.get(adapterTensorName(path, 'B'))
    if (a === undefined || b === undefined) continue
    const rank = rankOf(path, config.rank_pattern, settings.rank) ?? a.shape[0]
    if (a.shape.join() !== `${rank},${inFeatures}`) {
      return failed('shapes', `${path}: lora_A is [${a.shape}], expected [${rank},${inFeatures}]`)
    }
    if (b.shape.join() !== `${outFeatures},${rank}`) {
      return failed('shapes', `${path}: lora_B is [${b.shape}], expected [${outFeatures},${rank}]`)
    }
    const magnitude = magnitudes.get(path)
    if (magnitude !== undefined && magnitude.shape.join() !== `${outFeatures}`) {
      return failed('shapes', `${path}: lora_magnitude_vector is [${magnitude.shape}], expected [${outFeatures}]`)
    }
  }
  const misshapen = misshapenOther(adapter, architecture)
  if (misshapen !== undefined) return failed('shapes', misshapen)
  const ranks = isFilled(config.rank_pattern) ? 'the rank of its linear' : settings.rank
  return passed('shapes', `every lora_A is [${ranks}, in], every lora_B [out, ${ranks}]`)
}

/** Rank of a linear, as PEFT looks it up; undefined where rank_pattern holds an expression that is not evaluated. */
function rankOf(path: string, pattern: AdapterConfig['rank_pattern'], rank: number): number | undefined {
  const found = patternValue(path, pattern ?? {})
  return found === 'unknown' ? undefined : (found ?? rank)
}

const isFilled = (value: unknown): value is Record<string, number> =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0

/** What PEFT makes of several adapters has a scaling of its own, which is already in the factors. */
const COMBINED =
  'training does not change that; one that PEFT combined of several (add_weighted_adapter) has its own scaling, and is checked by itself'

/**
 * Whether the config scales the factors as they were made for.
 *
 * @param proof - undefined where it is not known
 * @param trained - whether the proof is that of the adapter that this one was trained from
 */
export function checkScaling(
  { settings, config }: ReadAdapter,
  proof: ProofFields | undefined,
  { trained = false }: { readonly trained?: boolean } = {}
): Check {
  const describe = (r: number, a: number, rs: boolean) => `lora_alpha ${a}, r ${r}${rs ? ', rank-stabilised' : ''}`
  const patterns = ['alpha_pattern', 'rank_pattern'].filter((key) => isFilled(config[key]))
  const others = [...patterns.map((key) => `, with ${key}`), config.use_dora ? ', with DoRA' : '']
  const found = describe(settings.rank, settings.alpha, settings.rslora) + others.join('')
  if (proof === undefined) return passed('scaling', found)
  const { rank, alpha, rslora } = proof.variant
  const made = describe(rank, alpha, rslora)
  const layers = proof.layers ?? []
  const ownRanks = layers.some((layer) => layer.rank !== undefined && layer.rank !== rank)
  if (ownRanks || (patterns.length > 0 && layers.length > 0))
    return checkOwnScalings({ settings, config }, proof, layers, {
      found,
      made: `${made}${ownRanks ? ', with ranks of their own' : ''}`
    })
  if (found === made) return passed('scaling', found)
  const says = `adapter_config.json says ${found}`
  return failed(
    'scaling',
    trained
      ? `${says}, the adapter that it was trained from was made for ${made}: ${COMBINED}`
      : `${says}, the factors were made for ${made}`
  )
}

type Layer = NonNullable<ProofFields['layers']>[number]

/** The same where patterns say of single linears: each must be scaled as all others, whatever rank it has. */
function checkOwnScalings(
  { settings, config }: Pick<ReadAdapter, 'settings' | 'config'>,
  { variant: { rank, alpha, rslora } }: ProofFields,
  layers: readonly Layer[],
  { found, made }: { readonly found: string; readonly made: string }
): Check {
  const scalingOf = (a: number, r: number): number => a / (rslora ? Math.sqrt(r) : r)
  const problem = (why: string) => failed('scaling', `adapter_config.json says ${found}: ${why}`)
  if (settings.rank !== rank || settings.alpha !== alpha || settings.rslora !== rslora || config.use_dora)
    return problem(`the factors were made for ${made}`)
  for (const { name, rank: own = rank } of layers) {
    const [r, a] = [config.rank_pattern, config.alpha_pattern].map((pattern) => patternValue(name, pattern ?? {}))
    if (r === 'unknown' || a === 'unknown')
      return unknown('scaling', `${found}; an expression in the patterns is not evaluated`)
    if ((r ?? rank) !== own) return problem(`${name} has rank ${r ?? rank} there, its factors were made with ${own}`)
    const scaling = scalingOf(a ?? alpha, own)
    if (Math.abs(scaling / scalingOf(alpha, rank) - 1) > 1e-9)
      return problem(`${name} is scaled by ${scaling}, its factors were made for ${scalingOf(alpha, rank)}`)
  }
  return passed('scaling', found)
}

/**
 * Whether every factor is finite.
 *
 * @throws {AppError} IO, naming the file; whatever the signal aborts with
 */
export async function checkFinite({ tensors, magnitudes }: ReadAdapter, signal?: AbortSignal): Promise<Check> {
  const vectors = [...magnitudes.values()].map((magnitude) => [magnitude.name, magnitude] as const)
  for (const [name, values] of [...tensors, ...vectors]) {
    let first = 0
    for await (const piece of values.pieces()) {
      const index = firstNonFinite(piece)
      if (index >= 0) return failed('finite', `${name} holds ${piece[index]} at ${first + index}`)
      first += piece.length
      signal?.throwIfAborted()
    }
  }
  return passed('finite', 'every factor is finite')
}
