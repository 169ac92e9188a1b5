import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { llamaLike } from './llamaLike'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' MistralConfig. */
export const MISTRAL = {
  vocab_size: integer(32_000),
  hidden_size: integer(4096),
  intermediate_size: integer(14_336),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(8),
  head_dim: orNull(integer),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  sliding_window: orNull(integer, 4096)
}

/**
 * Mistral: LLaMA without biases; each query sees the last `sliding_window` keys (all of them when null).
 *
 * Source: transformers modeling_mistral.
 */
export const mistral = defineFamily({
  modelTypes: ['mistral'],
  settings(config) {
    const settings = readSettings(config, MISTRAL)
    return alikeLayers(config, settings, { window: settings.sliding_window })
  },
  build: (settings) => llamaLike(settings, { family: 'mistral', inputBias: false, outputBias: false, mlpBias: false })
})
