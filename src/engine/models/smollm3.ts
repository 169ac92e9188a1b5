import { activation } from './activations'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { deriveHeads } from './heads'
import { layersByType, readLayerTypes } from './layerTypes'
import { llamaLike } from './llamaLike'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, orNull, readSettings, texts, wholes } from './settings'

/** Defaults of transformers' SmolLM3Config. */
const TABLE = {
  vocab_size: integer(128_256),
  hidden_size: integer(2048),
  intermediate_size: integer(11_008),
  num_hidden_layers: integer(36),
  num_attention_heads: integer(16),
  num_key_value_heads: orNull(integer, 4),
  head_dim: orNull(integer),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(32_768),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(true),
  attention_bias: flag(false),
  mlp_bias: flag(false),
  use_sliding_window: flag(false),
  sliding_window: orNull(integer),
  no_rope_layers: orNull(wholes),
  no_rope_layer_interval: integer(4),
  layer_types: orNull(texts)
}

const ROPE = { ...STANDARD_ROPE, theta: ['rope_theta', 2_000_000] } as const

/**
 * SmolLM3: LLaMA with layers that do not rotate, every fourth where `no_rope_layers` does not list them (0 there).
 *
 * Source: transformers modeling_smollm3.
 */
export const smollm3 = defineFamily({
  modelTypes: ['smollm3'],
  settings: readSmolLm3,
  build: (settings) =>
    llamaLike(settings, {
      family: 'smollm3',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_bias,
      mlpBias: settings.mlp_bias
    })
})

function readSmolLm3(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const heads = deriveHeads(config, settings)
  const { num_hidden_layers: count, max_position_embeddings: limit, sliding_window, no_rope_layer_interval } = settings
  const rotates = (index: number) =>
    settings.no_rope_layers?.[index] ?? Number((index + 1) % no_rope_layer_interval !== 0)
  if (settings.no_rope_layers !== null && settings.no_rope_layers.length < count) {
    throw config.complaint('no_rope_layers', `null or at least ${count} numbers, one for each layer`)
  }
  const slides = settings.use_sliding_window && sliding_window !== null
  const layer_types = readLayerTypes(config, settings, (index) =>
    slides && rotates(index) === 0 ? 'sliding_attention' : 'full_attention'
  )
  const rope = readRope(config, ROPE, { headDim: heads.head_dim, limit, layerTypes: layer_types })
  const layers = layersByType(config, layer_types, sliding_window, rope).map((layer, index) => ({
    ...layer,
    rope: rotates(index) === 0 ? null : layer.rope
  }))
  const no_rope_layers = settings.no_rope_layers ?? layers.map((_, index) => rotates(index))
  return { ...settings, ...heads, no_rope_layers, layer_types, layers }
}
