import { badInput } from '../../shared/errors'
import { isRecord } from '../formats/checkpointFiles'
import type { ConfigReader } from './configReader'
import { deriveHeads } from './heads'
import { givenRopes, readOwnRopes } from './layerRopes'
import { type LayerType, layersByType, readLayerTypes, slidingBut } from './layerTypes'
import type { Setting } from './settings'
import { checkShared } from './sharedLayers'

/** What config.json says of single layers: read with the heads of all of them. */
export const LAYER_OVERRIDES: Setting<unknown> = { fallback: null, read: (config, key) => config.raw(key) }

/** Heads of a layer. */
export interface LayerHeads {
  readonly head_dim: number
  readonly num_key_value_heads: number
}

interface Settings extends LayerHeads {
  readonly hidden_size: number
  readonly num_hidden_layers: number
  readonly num_attention_heads: number
  readonly max_position_embeddings: number
  readonly sliding_window: number
  readonly layer_types: string[] | null
  readonly attention_k_eq_v: boolean
  readonly num_kv_shared_layers: number
}

/** Layers that slide where config.json does not list them: all but every so many. */
const PATTERN = 6

/** Dimensions of the heads of full layers where config.json does not say. */
const GLOBAL_HEAD_DIM = 512

/** Where config.json has no `rope_parameters`. */
const ROPES = {
  sliding_attention: { rope_type: 'default', rope_theta: 10_000 },
  full_attention: { rope_type: 'proportional', partial_rotary_factor: 0.25, rope_theta: 1_000_000 }
} as const

/**
 * The settings with what follows from them: types and heads of all layers, windows and rotary positions, and which layers take
 * keys and values from the last layer of their type before them that has some.
 *
 * Source: transformers, Gemma4TextConfig.
 */
export function deriveGemma4<S extends Settings>(config: ConfigReader, settings: S) {
  const stated = settings.layer_types ?? undefined
  const read = readLayerTypes(config, settings, slidingBut(PATTERN))
  // The last layer sees everything, whatever is listed.
  const layer_types: LayerType[] = [...read.slice(0, -1), 'full_attention']
  // By its old name, a full layer has the heads of the others.
  const full = layer_types.map((type, index) =>
    index === read.length - 1 ? true : type === 'full_attention' && stated?.[index] !== 'attention'
  )
  const per_layer_config = readLayerHeads(config, settings, full)
  for (const heads of per_layer_config) deriveHeads(config, { ...settings, ...heads })
  const headDims = equalByType(config, layer_types, per_layer_config)
  const ropes = readOwnRopes(config, givenRopes(config, ROPES), headDims, settings.max_position_embeddings)
  const layers = layersByType(config, layer_types, settings.sliding_window, ropes)
  checkShared(config, settings, layer_types)
  return { ...settings, layer_types, per_layer_config, layers }
}

/** The heads of all layers: those of full layers differ, or what `per_layer_config` says. */
function readLayerHeads(config: ConfigReader, settings: Settings, full: readonly boolean[]): LayerHeads[] {
  const { head_dim, num_key_value_heads } = settings
  const others = config.given('per_layer_config') ? readOverrides(config, full.length) : undefined
  if (others !== undefined) {
    return full.map((_, index) => ({ head_dim, num_key_value_heads, ...others.get(index) }))
  }
  const few = settings.attention_k_eq_v && config.has('num_global_key_value_heads')
  const global = {
    head_dim: config.integer('global_head_dim', GLOBAL_HEAD_DIM),
    num_key_value_heads: few ? config.integer('num_global_key_value_heads') : num_key_value_heads
  }
  return full.map((isFull) => (isFull ? global : { head_dim, num_key_value_heads }))
}

/** Overrides of `per_layer_config`, by the layer. */
function readOverrides(config: ConfigReader, count: number): ReadonlyMap<number, Partial<LayerHeads>> {
  const expected = `null, or an object with head_dim and num_key_value_heads for layers below ${count}`
  const overrides = new Map<number, Partial<LayerHeads>>()
  for (const [key, value] of Object.entries(config.plainObject('per_layer_config'))) {
    if (!/^\d+$/.test(key) || Number(key) >= count || !isRecord(value)) {
      throw config.complaint('per_layer_config', expected)
    }
    const own = config.object('per_layer_config').object(key)
    const unknown = own.keys().find((name) => name !== 'head_dim' && name !== 'num_key_value_heads')
    if (unknown !== undefined) throw config.complaint('per_layer_config', expected)
    overrides.set(
      Number(key),
      Object.fromEntries(own.keys().map((name) => [name, own.integer(name)])) as Partial<LayerHeads>
    )
  }
  return overrides
}

/** Dimensions of the heads of each type of layers, which share their rotary positions. */
function equalByType(
  config: ConfigReader,
  types: readonly LayerType[],
  heads: readonly LayerHeads[]
): ReadonlyMap<LayerType, number> {
  const found = new Map<LayerType, LayerHeads>()
  for (const [index, type] of types.entries()) {
    const own = heads[index] as LayerHeads
    const first = found.get(type) ?? own
    if (own.head_dim !== first.head_dim || own.num_key_value_heads !== first.num_key_value_heads) {
      throw badInput(`${config.where}: layers of type ${type} have different heads, expected the same in all of them`)
    }
    found.set(type, first)
  }
  return new Map([...found].map(([type, { head_dim }]) => [type, head_dim]))
}
