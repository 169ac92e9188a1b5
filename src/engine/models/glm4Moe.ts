import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { checkExperts, deepseekExperts, expertSizes, sigmoidGroups } from './deepseekExperts'
import { NAMED_AS_EXPERTS } from './experts'
import { GLM_ROPE } from './glm'
import { type LlamaLikeOptions, type LlamaLikeSettings, llamaLike } from './llamaLike'
import { type RopeForm, STANDARD_ROPE } from './ropeSettings'
import { beside, flag, integer, natural, number, readSettings, type Settings } from './settings'

/** Keys that all of them have, with the defaults of transformers' Glm4MoeConfig. */
export const GLM4_MOE = {
  vocab_size: integer(151_552),
  hidden_size: integer(4096),
  num_hidden_layers: integer(46),
  num_attention_heads: integer(96),
  num_key_value_heads: integer(8),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  moe_intermediate_size: integer(1408),
  num_experts_per_tok: integer(8),
  n_routed_experts: integer(128),
  n_shared_experts: integer(1),
  routed_scaling_factor: number(1),
  n_group: integer(1),
  topk_group: integer(1),
  norm_topk_prob: flag(true)
}

const TABLE = {
  ...GLM4_MOE,
  intermediate_size: integer(10_944),
  head_dim: beside(integer, 1),
  use_qk_norm: flag(false),
  first_k_dense_replace: natural(1)
}

/** Defaults of SolarOpenConfig. */
const SOLAR = {
  ...GLM4_MOE,
  vocab_size: integer(196_608),
  num_hidden_layers: integer(48),
  num_attention_heads: integer(64),
  head_dim: integer(128),
  moe_intermediate_size: integer(1280)
}

const SOLAR_ROPE: RopeForm = { ...STANDARD_ROPE, theta: ['rope_theta', 1_000_000], wholeShare: true }

const ALIASES = { num_local_experts: 'n_routed_experts' }

/**
 * GLM-4.5: half of each head rotates, heads may be normed; on all layers but the first ones experts as DeepSeek-V3 has them.
 *
 * Source: transformers modeling_glm4_moe.
 */
export const glm4Moe = defineFamily({ modelTypes: ['glm4_moe'], settings: readGlm4Moe, build: buildGlm4Moe })

/** Solar Open: the same with whole heads that rotate, and with experts on all layers. Source: modeling_solar_open. */
export const solarOpen = defineFamily({
  modelTypes: ['solar_open'],
  settings(config) {
    const settings = readSettings(config, SOLAR, ALIASES)
    checkExperts(config, settings, sigmoidGroups(settings))
    return alikeLayers(config, settings, { form: SOLAR_ROPE })
  },
  // None of its layers has an MLP of a width of its own.
  build: (settings) => glm4MoeLike({ ...settings, intermediate_size: settings.moe_intermediate_size }, 'solar_open', 0)
})

function readGlm4Moe(config: ConfigReader) {
  const settings = readSettings(config, TABLE, ALIASES)
  if (settings.first_k_dense_replace < settings.num_hidden_layers) {
    checkExperts(config, settings, sigmoidGroups(settings))
  }
  return alikeLayers(config, settings, { form: GLM_ROPE })
}

function buildGlm4Moe(settings: ReturnType<typeof readGlm4Moe>): ModelArchitecture {
  const { first_k_dense_replace: dense, use_qk_norm: normed } = settings
  return glm4MoeLike(settings, 'glm4_moe', dense, normed ? { over: 'head' } : undefined)
}

type Glm4MoeSettings = Settings<typeof GLM4_MOE> & LlamaLikeSettings

/** @param dense - layers before those with experts */
export function glm4MoeLike(
  settings: Glm4MoeSettings,
  family: 'glm4_moe' | 'glm4v_moe_text' | 'solar_open',
  dense: number,
  queryKeyNorm?: LlamaLikeOptions['queryKeyNorm']
): ModelArchitecture {
  const { feedForward, note } = deepseekExperts({
    ...expertSizes(settings),
    sparse: settings.layers.map((_, index) => index >= dense),
    normed: settings.norm_topk_prob,
    groups: sigmoidGroups(settings),
    quantizedIn4: family !== 'solar_open'
  })
  const model = llamaLike(settings, {
    family,
    inputBias: settings.attention_bias,
    outputBias: false,
    mlpBias: false,
    queryKeyNorm,
    feedForward
  })
  return { ...model, unreached: NAMED_AS_EXPERTS, ...note }
}
