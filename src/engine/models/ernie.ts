import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { llamaLike } from './llamaLike'
import { STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' Ernie4_5Config. */
const TABLE = {
  vocab_size: integer(103_424),
  hidden_size: integer(1024),
  intermediate_size: integer(3072),
  num_hidden_layers: integer(18),
  num_attention_heads: integer(16),
  num_key_value_heads: orNull(integer, 2),
  head_dim: orNull(integer, 128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(true),
  use_bias: orNull(flag, false)
}

export const ERNIE_ROPE = { ...STANDARD_ROPE, theta: ['rope_theta', 500_000] } as const

/** ERNIE 4.5 (dense): LLaMA that rotates neighbours, with one switch for all biases. Source: modeling_ernie4_5. */
export const ernie = defineFamily({
  modelTypes: ['ernie4_5'],
  settings: (config) => alikeLayers(config, readSettings(config, TABLE), { form: ERNIE_ROPE }),
  build(settings) {
    const bias = settings.use_bias === true
    return llamaLike(settings, {
      family: 'ernie4_5',
      inputBias: bias,
      outputBias: bias,
      mlpBias: bias,
      interleaved: true
    })
  }
})
