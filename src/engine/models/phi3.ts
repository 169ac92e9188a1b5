import { activation } from './activations'
import { defineFamily } from './architecture'
import { deriveHeads } from './heads'
import { equalLayers } from './layerTypes'
import { llamaLike } from './llamaLike'
import { FUSED_MLP } from './mlp'
import { type RopeForm, readRope } from './ropeSettings'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' Phi3Config. */
const TABLE = {
  vocab_size: integer(32_064),
  hidden_size: integer(3072),
  intermediate_size: integer(8192),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer),
  head_dim: orNull(integer),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(4096),
  original_max_position_embeddings: integer(4096),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  sliding_window: orNull(integer)
}

/** Two old names of longrope, one of which means YaRN elsewhere. */
const ROPE: RopeForm = {
  theta: ['rope_theta', 10_000],
  share: ['partial_rotary_factor', 1],
  partial: true,
  types: ['default', 'longrope'],
  renamed: { su: 'longrope', yarn: 'longrope' }
}

/**
 * Phi-3, 3.5 and 4-mini: LLaMA with one fused linear for q, k, v and one for gate and up, partial rotary positions, longrope.
 *
 * Source: transformers modeling_phi3.
 */
export const phi3 = defineFamily({
  modelTypes: ['phi3'],
  settings(config) {
    const settings = readSettings(config, TABLE)
    const heads = deriveHeads(config, settings)
    const { max_position_embeddings: limit, num_hidden_layers: count, sliding_window } = settings
    const form = { ...ROPE, original: settings.original_max_position_embeddings }
    const rope = readRope(config, form, { headDim: heads.head_dim, limit })
    return { ...settings, ...heads, layers: equalLayers(config, count, sliding_window, rope) }
  },
  build: (settings) =>
    llamaLike(settings, {
      family: 'phi3',
      inputBias: false,
      outputBias: false,
      mlpBias: false,
      fused: true,
      mlpNames: FUSED_MLP
    })
})
