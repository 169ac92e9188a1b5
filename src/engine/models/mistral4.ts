import { badInput } from '../../shared/errors'
import { activation } from './activations'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { checkExperts, deepseekExperts, expertSizes, LEAST_EXPERTS } from './deepseekExperts'
import type { ExpertGroups } from './expertGroups'
import { latentDecoder, latentLayers } from './latentDecoder'
import { growingScores, readGrowth } from './ministral3'
import { type RopeForm, ropeKey, STANDARD_ROPE } from './ropeSettings'
import { beside, flag, integer, natural, number, orNull, readSettings, type Settings } from './settings'

/** Defaults of transformers' Mistral4Config. */
const TABLE = {
  vocab_size: integer(131_072),
  hidden_size: integer(4096),
  intermediate_size: integer(12_288),
  num_hidden_layers: integer(36),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer, 32),
  head_dim: beside(integer, 1),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(1_048_576),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  rope_interleave: orNull(flag, true),
  q_lora_rank: orNull(integer, 1024),
  kv_lora_rank: integer(256),
  qk_nope_head_dim: integer(64),
  qk_rope_head_dim: integer(64),
  v_head_dim: integer(128),
  moe_intermediate_size: integer(2048),
  num_experts_per_tok: integer(4),
  n_routed_experts: integer(128),
  n_shared_experts: integer(1),
  routed_scaling_factor: number(1),
  n_group: integer(1),
  topk_group: integer(1),
  first_k_dense_replace: natural(0),
  norm_topk_prob: orNull(flag, true)
}

const ALIASES = { num_local_experts: 'n_routed_experts' }

/** What its class puts where `rope_parameters` is absent or null. */
const ROPE_PARAMETERS = {
  type: 'yarn',
  rope_theta: 10_000,
  factor: 128,
  original_max_position_embeddings: 8192,
  beta_fast: 32,
  beta_slow: 1,
  mscale_all_dim: 1,
  mscale: 1,
  llama_4_scaling_beta: 0.1
}

/** Its model rotates whole heads, of more dimensions than it cuts off, by default and `proportional`, and fails. */
const ROPE: RopeForm = {
  ...STANDARD_ROPE,
  partial: true,
  exact: true,
  types: ['linear', 'dynamic', 'llama3', 'yarn', 'longrope']
}

/**
 * Mistral 4: latent attention whose scores grow with the query's position; on all layers but the first ones experts, chosen by
 * a softmax among those of some groups, and a shared one beside them. Files hold the experts of a block together.
 *
 * Source: transformers modeling_mistral4.
 */
export const mistral4 = defineFamily({
  modelTypes: ['mistral4'],
  settings: readMistral4,
  build({ growth, ...settings }) {
    const { feedForward, note } = deepseekExperts({
      ...expertSizes(settings),
      sparse: settings.layers.map((_, index) => index >= settings.first_k_dense_replace),
      scores: 'softmax',
      normed: settings.norm_topk_prob === true,
      groups: groupsOf(settings),
      alone: null,
      quantizedIn4: false
    })
    const interleaved = settings.rope_interleave === true
    const queryFactor = growingScores(growth)
    const model = latentDecoder(settings, { family: 'mistral4', mlpBias: false, interleaved, queryFactor, feedForward })
    return { ...model, ...note }
  }
})

function readMistral4(given: ConfigReader) {
  const settings = readSettings(given, TABLE, ALIASES)
  const { qk_rope_head_dim: rotating, qk_nope_head_dim: plain, num_hidden_layers: count } = settings
  if (settings.first_k_dense_replace < count) checkExperts(given, settings, groupsOf(settings))
  const config = withShare(given, rotating / (plain + rotating))
  const read = latentLayers(config, settings, ROPE, settings.head_dim ?? plain + rotating)
  const turned = read.layers[0]?.rope?.size
  if (turned !== undefined && turned !== rotating) {
    throw badInput(`${config.where}: ${turned} dimensions of a head rotate, expected ${rotating}, as qk_rope_head_dim`)
  }
  return { ...read, growth: readGrowth(config, settings.max_position_embeddings) }
}

/** The config with the share of a head that rotates in `rope_parameters`, where these do not name one; not in `rope_scaling`. */
const withShare = (config: ConfigReader, share: number): ConfigReader => {
  if (ropeKey(config) === 'rope_scaling') return config
  const parameters = config.has('rope_parameters') ? config.plainObject('rope_parameters') : ROPE_PARAMETERS
  return config.with({ rope_parameters: { partial_rotary_factor: share, ...parameters } })
}

const groupsOf = ({
  n_group: count,
  topk_group: chosen
}: Pick<Settings<typeof TABLE>, 'n_group' | 'topk_group'>): ExpertGroups => ({ count, chosen, best: LEAST_EXPERTS })
