import { badInput } from '../../shared/errors'
import { activation } from './activations'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { checkExperts, deepseekExperts, expertSizes } from './deepseekExperts'
import type { ExpertGroups } from './expertGroups'
import { NAMED_AS_EXPERTS } from './experts'
import { dividedHidden } from './heads'
import { latentDecoder, latentLayers } from './latentDecoder'
import { flag, integer, natural, number, orNull, readSettings, type Settings, text } from './settings'

/** Defaults of transformers' DeepseekV2Config. */
const TABLE = {
  vocab_size: integer(102_400),
  hidden_size: integer(4096),
  intermediate_size: integer(11_008),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(2048),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  mlp_bias: flag(false),
  q_lora_rank: orNull(integer, 1536),
  kv_lora_rank: integer(512),
  qk_nope_head_dim: integer(128),
  qk_rope_head_dim: integer(64),
  v_head_dim: integer(128),
  moe_intermediate_size: integer(1407),
  num_experts_per_tok: orNull(integer),
  n_routed_experts: integer(64),
  n_shared_experts: integer(2),
  routed_scaling_factor: number(1),
  topk_method: orNull(text, 'greedy'),
  n_group: orNull(integer),
  topk_group: orNull(integer),
  first_k_dense_replace: natural(0)
}

const ALIASES = { num_experts: 'n_routed_experts' }

/** A group's score is that of its best expert. */
const BEST = 1

/**
 * DeepSeek-V2: latent attention; on all layers but the first ones experts, chosen by their scores among all (`greedy`, as in
 * the Lite one) or among those of some groups (`group_limited_greedy`), and shared ones beside them.
 *
 * Source: transformers modeling_deepseek_v2.
 */
export const deepseekV2 = defineFamily({
  modelTypes: ['deepseek_v2'],
  settings: readDeepseekV2,
  check(settings, where) {
    if (!isSparse(settings) || settings.num_experts_per_tok !== null) return
    throw badInput(`${where}: num_experts_per_tok is missing, expected a positive integer`)
  },
  build(settings) {
    const { feedForward, note } = deepseekExperts({
      ...expertSizes({ ...settings, num_experts_per_tok: settings.num_experts_per_tok ?? 1 }),
      sparse: settings.layers.map((_, index) => index >= settings.first_k_dense_replace),
      scores: 'softmax',
      normed: false,
      groups: groupsOf(settings),
      mlpBias: settings.mlp_bias,
      quantizedIn4: true
    })
    const interleaved = true
    const model = latentDecoder(settings, {
      family: 'deepseek_v2',
      mlpBias: settings.mlp_bias,
      interleaved,
      feedForward
    })
    return { ...model, unreached: NAMED_AS_EXPERTS, ...note }
  }
})

function readDeepseekV2(config: ConfigReader) {
  const settings = readSettings(config, TABLE, ALIASES)
  const { topk_method: method, num_experts_per_tok: perToken } = settings
  if (isSparse(settings)) {
    if (method !== 'greedy' && method !== 'group_limited_greedy') {
      throw config.complaint('topk_method', '"greedy" or "group_limited_greedy"')
    }
    if (method === 'group_limited_greedy' && (settings.n_group === null || settings.topk_group === null)) {
      throw config.complaint(settings.n_group === null ? 'n_group' : 'topk_group', 'a positive integer')
    }
    checkExperts(config, { ...settings, num_experts_per_tok: perToken ?? 1 }, groupsOf(settings))
  }
  dividedHidden(config, settings.hidden_size, settings.num_attention_heads)
  return latentLayers(config, settings)
}

const isSparse = (settings: Pick<Settings<typeof TABLE>, 'first_k_dense_replace' | 'num_hidden_layers'>): boolean =>
  settings.first_k_dense_replace < settings.num_hidden_layers

/** Undefined where experts are chosen among all. */
function groupsOf(
  settings: Pick<Settings<typeof TABLE>, 'topk_method' | 'n_group' | 'topk_group'>
): ExpertGroups | undefined {
  const { topk_method: method, n_group: count, topk_group: chosen } = settings
  if (method !== 'group_limited_greedy' || count === null || chosen === null) return undefined
  return { count, chosen, best: BEST }
}
