import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import { biasedExperts } from './biasedExperts'
import type { ConfigReader } from './configReader'
import { checkRouting, NAMED_AS_EXPERTS } from './experts'
import { GLM_ROPE } from './glm'
import { llamaLike } from './llamaLike'
import { beside, flag, integer, natural, number, only, readSettings } from './settings'

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
  n_group: only(1),
  topk_group: only(1),
  first_k_dense_replace: natural(1),
  norm_topk_prob: flag(true)
}

const ALIASES = { num_local_experts: 'n_routed_experts' }

/** Its router compares groups of experts by the two best of each, also where all are one group. */
export const LEAST_EXPERTS = 2

/**
 * GLM-4.5: half of each head rotates, heads may be normed; on all layers but the first ones experts, chosen by their scores
 * and a bias, and a shared one beside them.
 *
 *     w = the top k of sigmoid(gate(n)) + b, without b, normed or not, times a factor
 *
 * Source: transformers modeling_glm4_moe.
 */
export const glm4Moe = defineFamily({ modelTypes: ['glm4_moe'], settings: readGlm4Moe, build: buildGlm4Moe })

function readGlm4Moe(config: ConfigReader) {
  const settings = readSettings(config, TABLE, ALIASES)
  const { n_routed_experts: count, first_k_dense_replace: dense, num_hidden_layers: layers } = settings
  if (dense < layers) {
    if (count < LEAST_EXPERTS) throw config.complaint('n_routed_experts', `at least ${LEAST_EXPERTS}`)
    checkRouting(config, settings.num_experts_per_tok, count)
  }
  return alikeLayers(config, settings, { form: GLM_ROPE })
}

function buildGlm4Moe(settings: ReturnType<typeof readGlm4Moe>): ModelArchitecture {
  const { first_k_dense_replace: dense } = settings
  const { feedForward, note } = biasedExperts({
    ...settings,
    wide: settings.moe_intermediate_size,
    count: settings.n_routed_experts,
    perToken: settings.num_experts_per_tok,
    shared: settings.n_shared_experts,
    normed: settings.norm_topk_prob,
    scale: settings.routed_scaling_factor,
    sparse: settings.layers.map((_, index) => index >= dense),
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
  return { ...model, ...note, unreached: NAMED_AS_EXPERTS }
}
