import { activation } from './activations'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { checkExperts, deepseekExperts, expertSizes, sigmoidGroups } from './deepseekExperts'
import { NAMED_AS_EXPERTS } from './experts'
import { latentDecoder, latentLayers } from './latentDecoder'
import { readMlpTypes } from './layerTypes'
import { type RopeForm, STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, orNull, readSettings, texts } from './settings'

/** Defaults of transformers' Glm4MoeLiteConfig. */
const TABLE = {
  vocab_size: integer(154_880),
  hidden_size: integer(2048),
  intermediate_size: integer(10_240),
  num_hidden_layers: integer(47),
  num_attention_heads: integer(20),
  num_key_value_heads: integer(20),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(202_752),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  rope_interleave: flag(true),
  q_lora_rank: orNull(integer, 768),
  kv_lora_rank: integer(512),
  qk_nope_head_dim: integer(192),
  qk_rope_head_dim: integer(64),
  v_head_dim: integer(256),
  moe_intermediate_size: integer(1536),
  num_experts_per_tok: integer(4),
  n_routed_experts: integer(64),
  n_shared_experts: integer(1),
  routed_scaling_factor: number(1.8),
  n_group: integer(1),
  topk_group: integer(1),
  norm_topk_prob: flag(true),
  mlp_layer_types: orNull(texts)
}

const ALIASES = { num_local_experts: 'n_routed_experts', head_dim: 'qk_rope_head_dim' }

const ROPE: RopeForm = { ...STANDARD_ROPE, wholeShare: true }

/**
 * GLM-4.7-Flash: latent attention, and experts as DeepSeek-V3 has them, on the layers that `mlp_layer_types` names; on all but
 * the first where it is absent.
 *
 * Source: transformers modeling_glm4_moe_lite.
 */
export const glm4MoeLite = defineFamily({
  modelTypes: ['glm4_moe_lite'],
  settings: readGlm4MoeLite,
  build(settings) {
    const { feedForward, note } = deepseekExperts({
      ...expertSizes(settings),
      sparse: settings.mlp_layer_types.map((type) => type === 'sparse'),
      normed: settings.norm_topk_prob,
      groups: sigmoidGroups(settings),
      quantizedIn4: false
    })
    const interleaved = settings.rope_interleave
    const model = latentDecoder(settings, { family: 'glm4_moe_lite', mlpBias: false, interleaved, feedForward })
    return { ...model, unreached: NAMED_AS_EXPERTS, ...note }
  }
})

function readGlm4MoeLite(config: ConfigReader) {
  const settings = readSettings(config, TABLE, ALIASES)
  const read = latentLayers(config, settings, ROPE)
  const types = readMlpTypes(config, read, (index) => (index === 0 ? 'dense' : 'sparse'))
  if (types.includes('sparse')) checkExperts(config, settings, sigmoidGroups(settings))
  return { ...read, mlp_layer_types: types }
}
