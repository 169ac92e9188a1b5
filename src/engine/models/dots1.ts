import { badInput } from '../../shared/errors'
import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { deepseekExperts, LEAST_EXPERTS } from './deepseekExperts'
import { checkRouting, NAMED_AS_EXPERTS } from './experts'
import { llamaLike } from './llamaLike'
import { derive } from './qwen'
import { beside, flag, integer, natural, number, only, orNull, readSettings, texts } from './settings'

/** Defaults of transformers' Dots1Config. */
const TABLE = {
  vocab_size: integer(152_064),
  hidden_size: integer(4608),
  intermediate_size: integer(10_944),
  moe_intermediate_size: integer(1408),
  num_hidden_layers: integer(62),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer, 32),
  head_dim: beside(integer, 1),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(2048),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  sliding_window: orNull(integer, 4096),
  max_window_layers: orNull(natural, 62),
  layer_types: orNull(texts),
  n_shared_experts: orNull(integer),
  n_routed_experts: orNull(integer),
  num_experts_per_tok: orNull(integer),
  n_group: only(1),
  topk_group: only(1),
  first_k_dense_replace: natural(0),
  norm_topk_prob: orNull(flag, false),
  routed_scaling_factor: number(1)
}

const ALIASES = { num_local_experts: 'n_routed_experts' }

/** Numbers that layers with experts need. */
const NEEDED = ['n_shared_experts', 'n_routed_experts', 'num_experts_per_tok'] as const

/**
 * dots.llm1: Qwen 3 with experts but on the first layers, chosen by their scores and a bias, and shared ones beside them; the
 * last layers may slide.
 *
 *     w = the top k of sigmoid(gate(n)) + b, without b, normed or not, times a factor
 *
 * Source: transformers modeling_dots1.
 */
export const dots1 = defineFamily({
  modelTypes: ['dots1'],
  settings: readDots1,
  check(settings, where) {
    if (settings.first_k_dense_replace >= settings.layers.length) return
    const missing = NEEDED.find((key) => settings[key] === null)
    // Its config class has no defaults for them, and its model fails without.
    if (missing !== undefined) throw badInput(`${where}: ${missing} is missing, expected a positive integer`)
  },
  build: buildDots1
})

function readDots1(config: ConfigReader) {
  const table = readSettings(config, TABLE, ALIASES)
  const { use_sliding_window: _, ...settings } = derive(config, { ...table, use_sliding_window: true })
  const { n_routed_experts: count, num_experts_per_tok: perToken } = settings
  if (settings.first_k_dense_replace < settings.num_hidden_layers && count !== null) {
    if (count < LEAST_EXPERTS) throw config.complaint('n_routed_experts', `at least ${LEAST_EXPERTS}`)
    if (perToken !== null) checkRouting(config, perToken, count)
  }
  return settings
}

function buildDots1(settings: ReturnType<typeof readDots1>): ModelArchitecture {
  const { first_k_dense_replace: dense, attention_bias: bias } = settings
  const { feedForward, note } = deepseekExperts({
    ...settings,
    wide: settings.moe_intermediate_size,
    count: settings.n_routed_experts ?? 0,
    perToken: settings.num_experts_per_tok ?? 0,
    shared: settings.n_shared_experts ?? 0,
    normed: settings.norm_topk_prob === true,
    scale: settings.routed_scaling_factor,
    sparse: settings.layers.map((_, index) => index >= dense),
    quantizedIn4: true
  })
  const options = {
    inputBias: bias,
    outputBias: bias,
    mlpBias: false,
    queryKeyNorm: { over: 'head' },
    feedForward
  } as const
  return { ...llamaLike(settings, { family: 'dots1', ...options }), ...note, unreached: NAMED_AS_EXPERTS }
}
