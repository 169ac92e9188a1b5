import { activation } from './activations'
import { defineFamily } from './architecture'
import { latentDecoder, latentLayers, withoutHeadDim } from './latentDecoder'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' YoutuConfig. */
const TABLE = {
  vocab_size: integer(128_256),
  hidden_size: integer(2048),
  intermediate_size: integer(6144),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(16),
  num_key_value_heads: integer(16),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(true),
  attention_bias: flag(false),
  rope_interleave: orNull(flag, true),
  q_lora_rank: orNull(integer, 1536),
  kv_lora_rank: integer(512),
  qk_nope_head_dim: integer(128),
  qk_rope_head_dim: integer(64),
  v_head_dim: integer(128)
}

/** Youtu-LLM: LLaMA with latent attention. Source: transformers modeling_youtu. */
export const youtu = defineFamily({
  modelTypes: ['youtu'],
  settings: (config) => latentLayers(config, withoutHeadDim(config, readSettings(config, TABLE))),
  build: (settings) =>
    latentDecoder(settings, {
      family: 'youtu',
      mlpBias: false,
      interleaved: settings.rope_interleave === true
    })
})
