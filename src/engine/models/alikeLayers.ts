import type { ConfigReader } from './configReader'
import { deriveHeads } from './heads'
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

/**
 * The settings with what follows from them where all layers are alike: heads, and each layer's window and rotary positions.
 *
 * @param form - how the family's config class names and defaults the rotary positions
 * @param window - keys that each query sees, all of them when null
 */
export function alikeLayers<S extends Attention & Settings<SettingsTable>>(
  config: ConfigReader,
  settings: S,
  { form = STANDARD_ROPE, window = null }: { readonly form?: RopeForm; readonly window?: number | null } = {}
): S & ReturnType<typeof deriveHeads> & { layers: LayerAttention[] } {
  const heads = deriveHeads(config, settings)
  const { max_position_embeddings: limit, num_hidden_layers: count } = settings
  const rope = readRope(config, form, { headDim: heads.head_dim, limit })
  return { ...settings, ...heads, layers: equalLayers(config, count, window, rope) }
}
