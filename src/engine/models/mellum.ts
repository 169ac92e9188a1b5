import { badInput } from '../../shared/errors'
import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { NAMED_AS_EXPERTS } from './experts'
import { deriveHeads } from './heads'
import { givenRopes, readOwnRopes } from './layerRopes'
import { layersByType, readLayerTypes, readMlpTypes } from './layerTypes'
import { llamaLike } from './llamaLike'
import { checkSparseLayers, qwenExperts } from './qwenExperts'
import { STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, orNull, readSettings, texts } from './settings'

/** Defaults of transformers' MellumConfig. */
const TABLE = {
  vocab_size: integer(98_304),
  hidden_size: integer(2304),
  intermediate_size: integer(7168),
  num_hidden_layers: integer(28),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(4),
  head_dim: integer(128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  sliding_window: orNull(integer, 1024),
  layer_types: orNull(texts),
  mlp_layer_types: orNull(texts),
  moe_intermediate_size: integer(896),
  num_experts_per_tok: integer(8),
  num_experts: integer(64),
  norm_topk_prob: flag(true)
}

const ALIASES = { num_local_experts: 'num_experts' }

/** Where a config has none. */
const ROPES = {
  full_attention: { rope_type: 'default', rope_theta: 500_000 },
  sliding_attention: { rope_type: 'default', rope_theta: 10_000 }
} as const

/**
 * Mellum 2: Qwen 3 with experts on all layers or on some; windows where the types of layers say so, and rotary positions for
 * each of these types.
 *
 * Source: transformers modeling_mellum.
 */
export const mellum = defineFamily({ modelTypes: ['mellum'], settings: readMellum, build: buildMellum })

function readMellum(config: ConfigReader) {
  const given = readSettings(config, TABLE, ALIASES)
  const heads = deriveHeads(config, given)
  const layer_types = readLayerTypes(config, given, () => 'full_attention')
  const mlp_layer_types = readMlpTypes(config, given, () => 'sparse')
  const { max_position_embeddings: limit, sliding_window } = given
  const sizes = new Map(layer_types.map((type) => [type, heads.head_dim]))
  // It counts a share of each head, but rotates whole ones.
  const ropes = readOwnRopes(config, givenRopes(config, ROPES), sizes, limit, { ...STANDARD_ROPE, partial: true })
  for (const { size } of Object.values(ropes)) {
    if (2 * Math.ceil(size / 2) === heads.head_dim) continue
    throw badInput(
      `${config.where}: ${size} dimensions of a head rotate, expected all ${heads.head_dim} in this family`
    )
  }
  const layers = layersByType(config, layer_types, sliding_window, ropes)
  // transformers writes the number under its other name, which wins.
  const settings = { ...given, ...heads, layer_types, mlp_layer_types, layers, num_local_experts: given.num_experts }
  checkSparseLayers(config, { ...settings, mlp_only_layers: denseLayers(mlp_layer_types) })
  return settings
}

const denseLayers = (types: readonly string[]): number[] =>
  types.flatMap((type, index) => (type === 'dense' ? [index] : []))

function buildMellum(settings: ReturnType<typeof readMellum>): ModelArchitecture {
  const { attention_bias: bias, norm_topk_prob: normed, mlp_layer_types: types } = settings
  const experts = { ...settings, mlp_only_layers: denseLayers(types) }
  const { feedForward, note } = qwenExperts(experts, { normed, quantizedIn4: false })
  const options = {
    inputBias: bias,
    outputBias: bias,
    mlpBias: false,
    queryKeyNorm: { over: 'head' },
    feedForward
  } as const
  return { ...llamaLike(settings, { family: 'mellum', ...options }), ...note, unreached: NAMED_AS_EXPERTS }
}
