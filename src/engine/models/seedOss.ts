import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { llamaLike } from './llamaLike'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' SeedOssConfig. */
const TABLE = {
  vocab_size: integer(155_136),
  hidden_size: integer(4096),
  intermediate_size: integer(27_648),
  num_hidden_layers: integer(64),
  num_attention_heads: integer(80),
  num_key_value_heads: orNull(integer, 8),
  head_dim: orNull(integer, 128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(524_288),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(true),
  attention_out_bias: flag(false),
  mlp_bias: flag(false)
}

/** Seed-OSS: LLaMA with a switch for each bias, that of o apart from those of q, k and v. Source: modeling_seed_oss. */
export const seedOss = defineFamily({
  modelTypes: ['seed_oss'],
  settings: (config) => alikeLayers(config, readSettings(config, TABLE)),
  build: (settings) =>
    llamaLike(settings, {
      family: 'seed_oss',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_out_bias,
      mlpBias: settings.mlp_bias
    })
})
