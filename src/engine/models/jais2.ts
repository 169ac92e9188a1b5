import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { llamaLike } from './llamaLike'
import { layerNorm } from './norms'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' Jais2Config. */
const TABLE = {
  vocab_size: integer(150_272),
  hidden_size: integer(3328),
  intermediate_size: integer(26_624),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(26),
  num_key_value_heads: orNull(integer),
  head_dim: orNull(integer),
  hidden_act: activation('relu2'),
  max_position_embeddings: integer(8192),
  layer_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(true),
  mlp_bias: flag(true)
}

/**
 * Jais 2: LLaMA with layer norms, biases everywhere, and an MLP without gate whose activation is a squared ReLU.
 *
 * Source: transformers modeling_jais2.
 */
export const jais2 = defineFamily({
  modelTypes: ['jais2'],
  settings: (config) => alikeLayers(config, readSettings(config, TABLE), { divided: true }),
  build: (settings) =>
    llamaLike(
      { ...settings, rms_norm_eps: settings.layer_norm_eps },
      {
        family: 'jais2',
        inputBias: settings.attention_bias,
        outputBias: settings.attention_bias,
        mlpBias: settings.mlp_bias,
        norm: layerNorm,
        gated: false
      }
    )
})
