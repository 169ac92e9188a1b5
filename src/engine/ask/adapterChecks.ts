import type { Verification } from '../../shared/plan'
import type { ProofFields } from '../formats/adapterProof'
import { adapterTensorName } from '../formats/peftAdapter'
import type { ReadAdapter } from '../formats/readAdapter'
import type { ModelArchitecture } from '../models/architecture'
import type { PreparedLinear } from '../models/modelLinears'
import { selectTargets } from '../models/targets'
import { firstNonFinite } from '../numerics/matrix'
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

/** Keys of adapter_config.json that choose linears in other ways than target_modules does. */
const OTHER_CHOICES = ['layers_to_transform', 'exclude_modules', 'target_parameters'] as const

const isSet = ({ config }: Pick<ReadAdapter, 'config'>, key: string): boolean =>
  config[key] !== undefined && config[key] !== null

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
  if (isSet(adapter, 'layer_replication'))
    return unknown('keys', `${detail}; layer_replication lets PEFT build other blocks, which are not checked`)
  const targets = targetsOf(adapter, paths, head)
  if (targets === undefined) return passed('keys', `${detail}; how adapter_config.json chooses them is not checked`)
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

/**
 * The linears that the config names; undefined where it chooses them by an expression, by layer or by exclusion.
 *
 * @param paths - linears of the blocks; those alone are meant by all-linear
 */
function targetsOf(adapter: ReadAdapter, paths: readonly string[], head: string): ReadonlySet<string> | undefined {
  const { config, settings } = adapter
  if (OTHER_CHOICES.some((key) => isSet(adapter, key))) return undefined
  if (settings.targetModules.join() === 'all-linear') return new Set(paths)
  if (typeof config.target_modules === 'string') return undefined
  return selectTargets([...settings.targetModules], [...paths, head], () => {})
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

/**
 * Rank of a linear: of the first name of rank_pattern that its path ends in, as PEFT looks it up; undefined where
 * rank_pattern holds expressions, which are not evaluated.
 */
function rankOf(path: string, pattern: unknown, rank: number): number | undefined {
  const found = patternValue(path, pattern)
  return found === 'unknown' ? undefined : (found ?? rank)
}

/** What a pattern says of a path; undefined where nothing, unknown where it holds expressions. */
function patternValue(path: string, pattern: unknown): number | 'unknown' | undefined {
  if (!isFilled(pattern)) return undefined
  const names = Object.entries(pattern)
  if (names.some(([name]) => !/^[\w.]+$/.test(name))) return 'unknown'
  return names.find(([name]) => path === name || path.endsWith(`.${name}`))?.[1]
}

const isFilled = (value: unknown): value is Record<string, number> =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0

/** Whether the config scales the factors as they were made for. @param proof - undefined where it is not known */
export function checkScaling({ settings, config }: ReadAdapter, proof: ProofFields | undefined): Check {
  const describe = (r: number, a: number, rs: boolean) => `lora_alpha ${a}, r ${r}${rs ? ', rank-stabilised' : ''}`
  const patterns = ['alpha_pattern', 'rank_pattern'].filter((key) => isFilled(config[key]))
  const others = [...patterns.map((key) => `, with ${key}`), config.use_dora ? ', with DoRA' : '']
  const found = describe(settings.rank, settings.alpha, settings.rslora) + others.join('')
  if (proof === undefined) return passed('scaling', found)
  const { rank, alpha, rslora } = proof.variant
  const made = describe(rank, alpha, rslora)
  const layers = proof.layers ?? []
  if (layers.some((layer) => layer.rank !== undefined && layer.rank !== rank))
    return checkOwnScalings({ settings, config }, proof, layers, { found, made })
  return found === made
    ? passed('scaling', found)
    : failed('scaling', `adapter_config.json says ${found}, the factors were made for ${made}`)
}

type Layer = NonNullable<ProofFields['layers']>[number]

/** The same of linears with ranks of their own: what the patterns say must scale each as all others. */
function checkOwnScalings(
  { settings, config }: Pick<ReadAdapter, 'settings' | 'config'>,
  { variant: { rank, alpha, rslora } }: ProofFields,
  layers: readonly Layer[],
  { found, made }: { readonly found: string; readonly made: string }
): Check {
  const scalingOf = (a: number, r: number): number => a / (rslora ? Math.sqrt(r) : r)
  const problem = (why: string) => failed('scaling', `adapter_config.json says ${found}: ${why}`)
  if (settings.rank !== rank || settings.alpha !== alpha || settings.rslora !== rslora || config.use_dora)
    return problem(`the factors were made for ${made}, with ranks of their own`)
  for (const { name, rank: own = rank } of layers) {
    const [r, a] = [patternValue(name, config.rank_pattern), patternValue(name, config.alpha_pattern)]
    if (r === 'unknown' || a === 'unknown')
      return unknown('scaling', `${found}; expressions in the patterns are not evaluated`)
    if ((r ?? rank) !== own) return problem(`${name} has rank ${r ?? rank} there, its factors were made with ${own}`)
    const scaling = scalingOf(a ?? alpha, own)
    if (Math.abs(scaling / scalingOf(alpha, rank) - 1) > 1e-9)
      return problem(`${name} is scaled by ${scaling}, its factors were made for ${scalingOf(alpha, rank)}`)
  }
  return passed('scaling', found)
}

/** Whether every factor is finite. */
export function checkFinite({ tensors, magnitudes }: ReadAdapter): Check {
  const vectors = [...magnitudes.values()].map(({ name, data }) => [name, { data }] as const)
  for (const [name, { data }] of [...tensors, ...vectors]) {
    const index = firstNonFinite(data)
    if (index >= 0) return failed('finite', `${name} holds ${data[index]} at ${index}`)
  }
  return passed('finite', 'every factor is finite')
}
