import type { ConfigReader } from './configReader'
import { deriveHeads, dividedHidden } from './heads'
import { equalLayers, type LayerAttention } from './layerTypes'
import { type RopeForm, readRope, STANDARD_ROPE } from './ropeSettings'
import type { Settings, SettingsTable } from './settings'

interface Attention {
  readonly hidden_size: number
  readonly num_hidden_layers: number
  readonly num_attention_heads: number
  readonly num_key_value_heads: number | null
  readonly head_dim: number | null
  readonly max_position_embeddings: number
}

interface AlikeOptions {
  /** How the family's config class names and defaults the rotary positions. */
  readonly form?: RopeForm
  /** Keys that each query sees, all of them when null. */
  readonly window?: number | null
  /** Types of the layers, where the config class has a key for them. */
  readonly layerTypes?: readonly string[]
  /** Whether the config class asks that the heads divide the hidden size, whatever head_dim says. */
  readonly divided?: boolean
}

/**
 * The settings with what follows from them where all layers are alike: heads, and each layer's window and rotary positions.
 */
export function alikeLayers<S extends Attention & Settings<SettingsTable>>(
  config: ConfigReader,
  settings: S,
  { form = STANDARD_ROPE, window = null, layerTypes, divided = false }: AlikeOptions = {}
): S & ReturnType<typeof deriveHeads> & { layers: LayerAttention[] } {
  if (divided) dividedHidden(config, settings.hidden_size, settings.num_attention_heads)
  const heads = deriveHeads(config, settings)
  const { max_position_embeddings: limit, num_hidden_layers: count } = settings
  const rope = readRope(config, form, { headDim: heads.head_dim, limit, ...(layerTypes && { layerTypes }) })
  return { ...settings, ...heads, layers: equalLayers(config, count, window, rope) }
}
