import { activation } from './activations'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { deriveHeads } from './heads'
import { layersByType, readLayerTypes } from './layerTypes'
import { llamaLike } from './llamaLike'
import { checkSparseLayers, qwenExperts } from './qwenExperts'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { beside, flag, integer, natural, number, orNull, readSettings, texts, wholes } from './settings'

/** Defaults of transformers' Qwen2MoeConfig. */
const TABLE = {
  vocab_size: integer(151_936),
  hidden_size: integer(2048),
  intermediate_size: integer(5632),
  num_hidden_layers: integer(24),
  num_attention_heads: integer(16),
  num_key_value_heads: integer(16),
  head_dim: beside(integer, 1),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(32_768),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  qkv_bias: flag(true),
  use_sliding_window: flag(false),
  sliding_window: orNull(natural, 4096), // 0 is what the config class writes where no layer slides
  max_window_layers: natural(28),
  layer_types: orNull(texts),
  decoder_sparse_step: integer(1),
  moe_intermediate_size: integer(1408),
  shared_expert_intermediate_size: integer(5632),
  num_experts_per_tok: integer(4),
  num_experts: natural(60),
  norm_topk_prob: flag(false),
  mlp_only_layers: orNull(wholes)
}

/**
 * Qwen 1.5 and 2 with experts in the place of the MLP, and a shared one with its gate beside them. Every other layer slides
 * where some do.
 *
 * Source: transformers modeling_qwen2_moe.
 */
export const qwen2Moe = defineFamily({
  modelTypes: ['qwen2_moe'],
  settings: readQwen2Moe,
  build(settings) {
    const { feedForward, note } = qwenExperts(settings, { normed: settings.norm_topk_prob, quantizedIn4: true })
    const biases = { inputBias: settings.qkv_bias, outputBias: false, mlpBias: false }
    return { ...llamaLike(settings, { family: 'qwen2_moe', ...biases, feedForward }), ...note }
  }
})

function readQwen2Moe(config: ConfigReader) {
  const given = readSettings(config, TABLE)
  const { use_sliding_window: slides, max_window_layers: first, max_position_embeddings: limit } = given
  const typeOf = (index: number) =>
    slides && index % 2 === 0 && index < first ? 'sliding_attention' : 'full_attention'
  const layer_types = readLayerTypes(config, given, typeOf)
  const heads = deriveHeads(config, given)
  const rope = readRope(config, STANDARD_ROPE, { headDim: heads.head_dim, limit, layerTypes: layer_types })
  // Without use_sliding_window it is 0 to the model.
  const sliding_window = slides ? given.sliding_window : 0
  const layers = layersByType(config, layer_types, sliding_window, rope, { alwaysMasked: true })
  const mlp_only_layers = given.mlp_only_layers ?? []
  return checkSparseLayers(config, { ...given, ...heads, sliding_window, mlp_only_layers, layer_types, layers })
}
