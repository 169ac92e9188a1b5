import { activation } from './activations'
import { defineFamily } from './architecture'
import { deriveHeads } from './heads'
import { equalLayers } from './layerTypes'
import { llamaLike } from './llamaLike'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, orNull, positive, readSettings } from './settings'

/** Defaults of transformers' GraniteConfig. */
const TABLE = {
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
  attention_bias: flag(false),
  mlp_bias: flag(false),
  embedding_multiplier: number(1),
  logits_scaling: positive(1),
  residual_multiplier: number(1),
  attention_multiplier: number(1)
}

/**
 * Granite 3: LLaMA with factors of the embedding, the scores (in place of 1 / √d) and what each sublayer adds; logits are
 * divided by `logits_scaling`.
 *
 * Source: transformers modeling_granite.
 */
export const granite = defineFamily({
  modelTypes: ['granite'],
  settings(config) {
    const settings = readSettings(config, TABLE)
    const heads = deriveHeads(config, settings)
    const { max_position_embeddings: limit, num_hidden_layers: count } = settings
    const rope = readRope(config, STANDARD_ROPE, { headDim: heads.head_dim, limit })
    return { ...settings, ...heads, layers: equalLayers(config, count, null, rope) }
  },
  build: (settings) =>
    llamaLike(settings, {
      family: 'granite',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_bias,
      mlpBias: settings.mlp_bias,
      scale: settings.attention_multiplier,
      embeddingScale: settings.embedding_multiplier,
      residualScale: settings.residual_multiplier,
      logitScale: 1 / settings.logits_scaling
    })
})
