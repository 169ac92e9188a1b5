import { activation } from './activations'
import { defineFamily } from './architecture'
import { deriveHeads, dividedHidden } from './heads'
import { layersByType, readLayerTypes } from './layerTypes'
import { llamaLike } from './llamaLike'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, orNull, readSettings, texts } from './settings'

/** Defaults of transformers' CwmConfig. */
const TABLE = {
  vocab_size: integer(128_256),
  hidden_size: integer(6144),
  intermediate_size: integer(21_504),
  num_hidden_layers: integer(64),
  num_attention_heads: integer(48),
  num_key_value_heads: integer(8),
  head_dim: integer(128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  mlp_bias: flag(false),
  sliding_window: integer(8192),
  layer_types: orNull(texts)
}

const ROPE = { ...STANDARD_ROPE, theta: ['rope_theta', 1_000_000] } as const

/** What its class puts where `rope_parameters` is absent or null. */
const ROPE_PARAMETERS = {
  rope_theta: 1_000_000,
  factor: 16,
  high_freq_factor: 4,
  low_freq_factor: 1,
  original_max_position_embeddings: 8192,
  rope_type: 'llama3'
}

/** Layers that see everything where config.json does not list them: every fourth, from the first on. */
const PATTERN = 4

/** CWM: LLaMA 3 with windows on most layers; attention has no biases. Source: transformers modeling_cwm. */
export const cwm = defineFamily({
  modelTypes: ['cwm'],
  settings(given) {
    const config = given.has('rope_parameters') ? given : given.with({ rope_parameters: ROPE_PARAMETERS })
    const settings = readSettings(config, TABLE)
    const heads = deriveHeads(config, settings)
    dividedHidden(config, settings.hidden_size, settings.num_attention_heads)
    const typeOf = (index: number) => (index % PATTERN === 0 ? 'full_attention' : 'sliding_attention')
    const layer_types = readLayerTypes(config, settings, typeOf)
    const { max_position_embeddings: limit, sliding_window } = settings
    const rope = readRope(config, ROPE, { headDim: heads.head_dim, limit, layerTypes: layer_types })
    return { ...settings, ...heads, layer_types, layers: layersByType(config, layer_types, sliding_window, rope) }
  },
  build: (settings) =>
    llamaLike(settings, { family: 'cwm', inputBias: false, outputBias: false, mlpBias: settings.mlp_bias })
})
