import { badInput } from '../../shared/errors'
import type { Value } from '../graph/graphBuilder'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { checkRouting, gatedExperts } from './experts'
import type { LayerBuilder } from './layerBuilder'
import { readLayerTypes } from './layerTypes'
import { deriveLfm2, LFM2_MLP, LFM2_TYPES, lfm2Like } from './lfm2'
import { gatedMlp } from './mlp'
import { addRoutedExperts, expertsNote } from './routedExperts'
import { beside, flag, integer, natural, number, orNull, readSettings, texts } from './settings'

/** Defaults of transformers' Lfm2MoeConfig. */
const TABLE = {
  vocab_size: integer(65_536),
  hidden_size: integer(2048),
  intermediate_size: integer(7168),
  moe_intermediate_size: integer(1792),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(8),
  head_dim: beside(integer, 1),
  max_position_embeddings: integer(128_000),
  norm_eps: number(1e-5),
  tie_word_embeddings: flag(true),
  conv_bias: flag(false),
  conv_L_cache: integer(3),
  num_dense_layers: natural(2),
  num_experts_per_tok: integer(4),
  num_experts: integer(32),
  use_expert_bias: flag(true),
  routed_scaling_factor: number(1),
  norm_topk_prob: flag(true),
  layer_types: orNull(texts)
}

const OLD_NAMES = { tie_embedding: 'tie_word_embeddings' }

/** Added to the sum that routing weights are divided by. */
const EPSILON = 1e-6

/**
 * LFM2 with experts in the place of the MLP but on the first layers. A bias decides with the scores which experts are chosen.
 *
 *     w = the top k of sigmoid(gate(n)) + b, without b, normed or not, times a factor
 *
 * Source: transformers modeling_lfm2_moe.
 */
export const lfm2Moe = defineFamily({
  modelTypes: ['lfm2_moe'],
  settings: readLfm2Moe,
  check({ layer_types }, where) {
    // Its model has no default for the types.
    if (layer_types.length === 0) throw badInput(`${where}: layer_types is missing, expected a list`)
  },
  build: buildLfm2Moe
})

function readLfm2Moe(config: ConfigReader) {
  const settings = readSettings(config, TABLE, OLD_NAMES)
  const layer_types = settings.layer_types === null ? [] : readLayerTypes(config, settings, () => 'conv', LFM2_TYPES)
  const { num_dense_layers: dense, num_hidden_layers: count } = settings
  if (dense < count) checkRouting(config, settings.num_experts_per_tok, settings.num_experts)
  return deriveLfm2(config, settings, layer_types)
}

function buildLfm2Moe(settings: ReturnType<typeof readLfm2Moe>): ModelArchitecture {
  const { hidden_size: hiddenSize, num_experts: count, num_experts_per_tok: perToken } = settings
  const { num_dense_layers: dense, norm_topk_prob: normed, routed_scaling_factor: scale } = settings
  const spec = gatedExperts({
    count,
    perToken,
    hiddenSize,
    intermediateSize: settings.moe_intermediate_size,
    activation: 'silu',
    names: { router: 'feed_forward.gate', module: 'feed_forward.experts', alone: ['w1', 'w3', 'w2'] }
  })
  const feedForward = (layer: LayerBuilder, n: Value, index: number): Value | undefined => {
    if (index < dense) return gatedMlp(layer, n, { ...settings, hidden_act: 'silu' }, LFM2_MLP)
    const bias = settings.use_expert_bias
      ? layer.parameter('feed_forward.expert_bias', [count], { float32: true })
      : undefined
    addRoutedExperts(layer, n, spec, { scores: 'sigmoid', normed, bias, epsilon: EPSILON, scale })
    return undefined
  }
  const model = lfm2Like(settings, { family: 'lfm2_moe', feedForward })
  const experts = expertsNote(spec, 'feed_forward.experts', { quantizedIn4: false })
  return { ...model, ...(dense < settings.layers.length && { experts }) }
}
