import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { llamaLike } from './llamaLike'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' ArceeConfig. */
const TABLE = {
  vocab_size: integer(32_000),
  hidden_size: integer(2560),
  intermediate_size: integer(18_432),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer),
  head_dim: orNull(integer),
  hidden_act: activation('relu2'),
  max_position_embeddings: integer(4096),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  mlp_bias: flag(false)
}

/** Arcee (AFM): LLaMA whose MLP has no gate, with the square of relu. Source: transformers modeling_arcee. */
export const arcee = defineFamily({
  modelTypes: ['arcee'],
  settings: (config) => alikeLayers(config, readSettings(config, TABLE), { divided: true }),
  build: (settings) =>
    llamaLike(settings, {
      family: 'arcee',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_bias,
      mlpBias: settings.mlp_bias,
      gated: false
    })
})
