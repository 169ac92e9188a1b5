import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { deepseekExperts, LEAST_EXPERTS, MLP_BIAS, typedSizes } from './deepseekExperts'
import { pattern } from './exaone4'
import { checkRouting, NAMED_AS_EXPERTS } from './experts'
import { deriveHeads } from './heads'
import { layersByType, readLayerTypes, readMlpTypes, slidingBut } from './layerTypes'
import { llamaLike } from './llamaLike'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { beside, flag, integer, natural, number, only, orNull, readSettings, texts } from './settings'

/** Defaults of transformers' ExaoneMoeConfig. */
const TABLE = {
  vocab_size: integer(102_400),
  hidden_size: integer(4096),
  intermediate_size: integer(16_384),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(32),
  head_dim: beside(integer, 1),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(2048),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  sliding_window: integer(4096),
  sliding_window_pattern: pattern(4),
  layer_types: orNull(texts),
  mlp_layer_types: orNull(texts),
  first_k_dense_replace: natural(1),
  moe_intermediate_size: integer(1024),
  num_experts: integer(64),
  num_experts_per_tok: integer(8),
  num_shared_experts: integer(1),
  norm_topk_prob: flag(true),
  routed_scaling_factor: number(2.5),
  n_group: only(1),
  topk_group: only(1)
}

/**
 * K-EXAONE: EXAONE 4 with norms before each sublayer, where sliding layers rotate and the others have no positions, and with
 * experts but on the first layers, chosen by their scores and a bias, and shared ones beside them.
 *
 *     w = the top k of sigmoid(gate(n)) + b, without b, normed or not, times a factor
 *
 * Source: transformers modeling_exaone_moe.
 */
export const exaoneMoe = defineFamily({ modelTypes: ['exaone_moe'], settings: readExaoneMoe, build: buildExaoneMoe })

function readExaoneMoe(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const { max_position_embeddings: limit, sliding_window_pattern: every, first_k_dense_replace: dense } = settings
  if (settings.layer_types === null && (typeof every !== 'number' || every === 0)) {
    throw config.complaint('layer_types', 'a list, where sliding_window_pattern is no number above 0')
  }
  const layer_types = readLayerTypes(config, settings, slidingBut(every as number))
  const mlp_layer_types = readMlpTypes(config, settings, (index) => (index < dense ? 'dense' : 'sparse'))
  if (mlp_layer_types.includes('sparse')) {
    if (settings.num_experts < LEAST_EXPERTS) throw config.complaint('num_experts', `at least ${LEAST_EXPERTS}`)
    checkRouting(config, settings.num_experts_per_tok, settings.num_experts)
  }
  const heads = deriveHeads(config, settings)
  const rope = readRope(config, STANDARD_ROPE, { headDim: heads.head_dim, limit, layerTypes: layer_types })
  const typed = layersByType(config, layer_types, settings.sliding_window, rope)
  const layers = typed.map((layer) => (layer.window === null ? { ...layer, rope: null } : layer))
  return { ...settings, ...heads, layer_types, mlp_layer_types, layers }
}

function buildExaoneMoe(settings: ReturnType<typeof readExaoneMoe>): ModelArchitecture {
  const { feedForward, note } = deepseekExperts({
    ...settings,
    ...typedSizes(settings),
    normed: settings.norm_topk_prob,
    scale: settings.routed_scaling_factor,
    quantizedIn4: false
  })
  const model = llamaLike(settings, {
    family: 'exaone_moe',
    inputBias: false,
    outputBias: false,
    mlpBias: false,
    queryKeyNorm: { over: 'head' },
    feedForward
  })
  return {
    ...model,
    ...note,
    // In transformers 5 it is a part of the router.
    otherNames: (name) => (name.endsWith(`.${MLP_BIAS}`) ? [name.replace('.mlp.', '.mlp.gate.')] : []),
    unreached: NAMED_AS_EXPERTS
  }
}
