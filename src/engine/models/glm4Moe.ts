import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { checkExperts, deepseekExperts, expertSizes, sigmoidGroups } from './deepseekExperts'
import { NAMED_AS_EXPERTS } from './experts'
import { GLM_ROPE } from './glm'
import { llamaLike } from './llamaLike'
import { beside, flag, integer, natural, number, readSettings } from './settings'

/** Defaults of transformers' Glm4MoeConfig. */
const TABLE = {
  vocab_size: integer(151_552),
  hidden_size: integer(4096),
  intermediate_size: integer(10_944),
  num_hidden_layers: integer(46),
  num_attention_heads: integer(96),
  num_key_value_heads: integer(8),
  head_dim: beside(integer, 1),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  use_qk_norm: flag(false),
  moe_intermediate_size: integer(1408),
  num_experts_per_tok: integer(8),
  n_routed_experts: integer(128),
  n_shared_experts: integer(1),
  routed_scaling_factor: number(1),
  n_group: integer(1),
  topk_group: integer(1),
  first_k_dense_replace: natural(1),
  norm_topk_prob: flag(true)
}

const ALIASES = { num_local_experts: 'n_routed_experts' }

/**
 * GLM-4.5: half of each head rotates, heads may be normed; on all layers but the first ones experts as DeepSeek-V3 has them.
 *
 * Source: transformers modeling_glm4_moe.
 */
export const glm4Moe = defineFamily({ modelTypes: ['glm4_moe'], settings: readGlm4Moe, build: buildGlm4Moe })

function readGlm4Moe(config: ConfigReader) {
  const settings = readSettings(config, TABLE, ALIASES)
  if (settings.first_k_dense_replace < settings.num_hidden_layers) {
    checkExperts(config, settings, sigmoidGroups(settings))
  }
  return alikeLayers(config, settings, { form: GLM_ROPE })
}

function buildGlm4Moe(settings: ReturnType<typeof readGlm4Moe>): ModelArchitecture {
  const { feedForward, note } = deepseekExperts({
    ...expertSizes(settings),
    sparse: settings.layers.map((_, index) => index >= settings.first_k_dense_replace),
    normed: settings.norm_topk_prob,
    groups: sigmoidGroups(settings),
    quantizedIn4: true
  })
  const model = llamaLike(settings, {
    family: 'glm4_moe',
    inputBias: settings.attention_bias,
    outputBias: false,
    mlpBias: false,
    queryKeyNorm: settings.use_qk_norm ? { over: 'head' } : undefined,
    feedForward
  })
  return { ...model, unreached: NAMED_AS_EXPERTS, ...note }
}
