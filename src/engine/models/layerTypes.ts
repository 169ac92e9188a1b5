import { badInput } from '../../shared/errors'
import type { ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import type { Rope } from './rope'

/** What the attention of a layer sees: everything before it, or a window. */
export type LayerType = 'full_attention' | 'sliding_attention'

/** What differs from layer to layer in the attention. */
export interface LayerAttention {
  /** Keys that a query sees, itself included; all before it where null. */
  readonly window: number | null
  /** Tokens of a chunk, counted from the row's start: a query sees no keys of another one. Left out, there are no chunks. */
  readonly chunk?: number
  /** How it rotates heads; null where it has no positions. */
  readonly rope: Rope | null
}

/** A damaged config must not ask for memory before a tensor contradicts it. */
export const MAX_LAYERS = 4096

/** Names of older files. */
const RENAMED: Readonly<Record<string, string>> = { attention: 'full_attention', mamba: 'linear_attention' }

/**
 * The types of all layers: those that `layer_types` lists, or by their index.
 *
 * @throws {AppError} BAD_INPUT where the list has another length, or a type that the family does not accept
 */
export function readLayerTypes<T extends string = LayerType>(
  config: ConfigReader,
  { num_hidden_layers: layers, layer_types: listed }: { num_hidden_layers: number; layer_types: string[] | null },
  typeOf: (index: number) => T,
  accepted: readonly string[] = ['sliding_attention', 'full_attention']
): T[] {
  checkLayers(config, layers)
  if (listed === null) return Array.from({ length: layers }, (_, i) => typeOf(i))
  const types = listed.map((type) => (Object.hasOwn(RENAMED, type) ? RENAMED[type] : type))
  const known = types.length === layers && types.every((type) => accepted.includes(type ?? ''))
  if (!known) throw config.complaint('layer_types', `${layers} times ${accepted.join(' or ')}`)
  return types as T[]
}

/** The blocks of a model whose layers attend fully, and otherwise, by their types. */
export const blocksByType =
  (types: readonly string[], full: ModelArchitecture, other: ModelArchitecture): ModelArchitecture['buildBlock'] =>
  (layer, x, index) =>
    (types[index] === 'full_attention' ? full : other).buildBlock(layer, x, index)

/**
 * Whether layers have experts or an MLP: as `mlp_layer_types` lists it, or by their index.
 *
 * @throws {AppError} BAD_INPUT where the list has another length, or something else in it
 */
export function readMlpTypes(
  config: ConfigReader,
  {
    num_hidden_layers: layers,
    mlp_layer_types: listed
  }: { num_hidden_layers: number; mlp_layer_types: string[] | null },
  typeOf: (index: number) => 'sparse' | 'dense'
): string[] {
  if (listed === null) return Array.from({ length: layers }, (_, i) => typeOf(i))
  const known = listed.length === layers && listed.every((type) => type === 'sparse' || type === 'dense')
  if (!known) throw config.complaint('mlp_layer_types', `${layers} times sparse or dense`)
  return listed
}

/** Types where a config does not list them: every n-th layer sees everything, the others slide. */
export const slidingBut =
  (n: number) =>
  (index: number): LayerType =>
    (index + 1) % n === 0 ? 'full_attention' : 'sliding_attention'

interface Sliding {
  /** Whether its model makes the mask of sliding layers wherever none is, and then fails without a window. */
  readonly alwaysMasked?: boolean
}

/**
 * Window and rotary positions of each layer, by its type.
 *
 * @param window - `sliding_window`; 0 is none to slide in, but one to make a mask with
 * @throws {AppError} BAD_INPUT where a layer slides and no window is given, or where its model asks for one all the same
 */
export function layersByType(
  config: ConfigReader,
  types: readonly LayerType[],
  window: number | null,
  ropes: Rope | Readonly<Partial<Record<LayerType, Rope>>>,
  { alwaysMasked = false }: Sliding = {}
): LayerAttention[] {
  const slides = types.includes('sliding_attention')
  if (alwaysMasked && window === null) {
    throw config.complaint('sliding_window', 'a positive integer, without which transformers makes no masks')
  }
  if (slides && (window === null || window === 0)) {
    throw badInput(`${config.where}: layer_types has sliding_attention, but there is no sliding_window`)
  }
  return types.map((type) => ({
    window: type === 'sliding_attention' ? window : null,
    rope: 'theta' in ropes ? ropes : (ropes[type] as Rope)
  }))
}

/** Layers that are all alike. */
export function equalLayers(config: ConfigReader, count: number, window: number | null, rope: Rope): LayerAttention[] {
  checkLayers(config, count)
  return Array.from({ length: count }, () => ({ window, rope }))
}

/** @throws {AppError} BAD_INPUT for more layers than any model has */
export function checkLayers(config: ConfigReader, count: number): void {
  if (count <= MAX_LAYERS) return
  throw badInput(`${config.where}: num_hidden_layers is ${count}, expected at most ${MAX_LAYERS}`)
}
