import { activation } from './activations'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { checkExperts, deepseekExperts, expertSizes, sigmoidGroups } from './deepseekExperts'
import { NAMED_AS_EXPERTS } from './experts'
import { latentDecoder, latentLayers, withoutHeadDim } from './latentDecoder'
import { flag, integer, natural, number, orNull, readSettings } from './settings'

/** Defaults of transformers' DeepseekV3Config. */
const TABLE = {
  vocab_size: integer(129_280),
  hidden_size: integer(7168),
  intermediate_size: integer(18_432),
  num_hidden_layers: integer(61),
  num_attention_heads: integer(128),
  num_key_value_heads: orNull(integer, 128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(4096),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  rope_interleave: orNull(flag, true),
  q_lora_rank: orNull(integer, 1536),
  kv_lora_rank: integer(512),
  qk_nope_head_dim: integer(128),
  qk_rope_head_dim: integer(64),
  v_head_dim: integer(128),
  moe_intermediate_size: integer(2048),
  num_experts_per_tok: integer(8),
  n_routed_experts: integer(256),
  n_shared_experts: integer(1),
  routed_scaling_factor: number(2.5),
  n_group: integer(8),
  topk_group: integer(4),
  first_k_dense_replace: natural(3),
  norm_topk_prob: orNull(flag, true)
}

const ALIASES = { num_local_experts: 'n_routed_experts' }

/**
 * DeepSeek-V3, and Moonlight, which is one: latent attention; on all layers but the first ones experts, chosen by their scores
 * and a bias among those of some groups, and a shared one beside them.
 *
 * Source: transformers modeling_deepseek_v3.
 */
export const deepseekV3 = defineFamily({
  modelTypes: ['deepseek_v3'],
  settings: readDeepseekV3,
  build(settings) {
    const { feedForward, note } = deepseekExperts({
      ...expertSizes(settings),
      sparse: settings.layers.map((_, index) => index >= settings.first_k_dense_replace),
      normed: settings.norm_topk_prob === true,
      groups: sigmoidGroups(settings),
      quantizedIn4: true
    })
    const interleaved = settings.rope_interleave === true
    const model = latentDecoder(settings, { family: 'deepseek_v3', mlpBias: false, interleaved, feedForward })
    return { ...model, unreached: NAMED_AS_EXPERTS, ...note }
  }
})

function readDeepseekV3(config: ConfigReader) {
  const settings = readSettings(config, TABLE, ALIASES)
  const { first_k_dense_replace: dense, num_hidden_layers: layers } = settings
  if (dense < layers) checkExperts(config, settings, sigmoidGroups(settings))
  return latentLayers(config, withoutHeadDim(config, settings))
}
