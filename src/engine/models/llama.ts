import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { llamaLike } from './llamaLike'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Keys of transformers' LlamaConfig that its nearest relatives have too, with its defaults. */
export const LLAMA_BASE = {
  vocab_size: integer(32_000),
  hidden_size: integer(4096),
  intermediate_size: integer(11_008),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer),
  head_dim: orNull(integer),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(2048),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false)
}

/** Defaults of LlamaConfig. */
export const LLAMA = { ...LLAMA_BASE, mlp_bias: flag(false) }

/**
 * LLaMA 1–3. Biases of attention (`attention_bias`, all four linears) and MLP (`mlp_bias`) are rare but possible.
 *
 * Source: transformers modeling_llama. `pretraining_tp` only changed how products were split.
 */
export const llama = defineFamily({
  modelTypes: ['llama'],
  settings: (config) => alikeLayers(config, readSettings(config, LLAMA)),
  build: (settings) =>
    llamaLike(settings, {
      family: 'llama',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_bias,
      mlpBias: settings.mlp_bias
    })
})
