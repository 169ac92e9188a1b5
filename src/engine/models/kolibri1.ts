import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { checkRouting, gatedExperts } from './experts'
import { deriveHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { layersByType, readLayerTypes, slidingBut } from './layerTypes'
import { llamaLike } from './llamaLike'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { expertsNote, routedSum, sharedExpert } from './routedExperts'
import { flag, integer, number, orNull, readSettings, texts } from './settings'

/** Defaults of transformers' Kolibri1Config. */
const TABLE = {
  vocab_size: integer(128_000),
  hidden_size: integer(2560),
  num_hidden_layers: integer(50),
  num_attention_heads: integer(48),
  num_key_value_heads: integer(4),
  head_dim: integer(128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(262_144),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  sliding_window: orNull(integer, 513),
  layer_types: orNull(texts),
  moe_intermediate_size: integer(512),
  shared_expert_intermediate_size: integer(512),
  num_experts_per_tok: integer(6),
  num_experts: integer(384),
  norm_topk_prob: flag(false)
}

const ALIASES = { num_local_experts: 'num_experts' }

/** One of so many layers sees all tokens where config.json does not list them. */
const FULL_INTERVAL = 5

/** Norms behind each sublayer, and the bias of the router. */
const OUTER_NORMS = ['post_self_attn_layernorm', 'post_mlp_layernorm'] as const
const BIAS = 'mlp.gate.e_score_correction_bias'

/** What files call these. Source: transformers conversion_mapping.py. */
const FILED: Readonly<Record<string, string>> = {
  [OUTER_NORMS[0]]: 'post_attn_norm',
  [OUTER_NORMS[1]]: 'post_ffn_norm',
  [BIAS]: 'moe.router.expert_bias'
}

/**
 * Kolibri 1: norms before and after each sublayer, normed heads, which rotate on layers with a window alone; on all layers
 * experts that are chosen by the router's logits and a bias, and one for every token beside them.
 *
 *     x += norm₂(attention(norm₁(x)));   x += norm₄(shared(n) + Σₑ wₑ · expertₑ(n)), n = norm₃(x),
 *     w = sigmoid(l) of the top k of l + b, l = gate(n), normed or not
 *
 * Source: transformers modeling_kolibri1.
 */
export const kolibri1 = defineFamily({ modelTypes: ['kolibri1'], settings: readKolibri1, build: buildKolibri1 })

function readKolibri1(config: ConfigReader) {
  const settings = readSettings(config, TABLE, ALIASES)
  checkRouting(config, settings.num_experts_per_tok, settings.num_experts)
  const heads = deriveHeads(config, settings)
  const layer_types = readLayerTypes(config, settings, slidingBut(FULL_INTERVAL))
  const { max_position_embeddings: limit, sliding_window, num_experts: num_local_experts } = settings
  const rope = readRope(config, STANDARD_ROPE, { headDim: heads.head_dim, limit, layerTypes: layer_types })
  const typed = layersByType(config, layer_types, sliding_window, rope, { alwaysMasked: true })
  const layers = typed.map((layer) => (layer.window === null ? { ...layer, rope: null } : layer))
  return { ...settings, ...heads, num_local_experts, layer_types, layers }
}

function buildKolibri1(settings: ReturnType<typeof readKolibri1>): ModelArchitecture {
  const { num_experts: count, moe_intermediate_size: wide, norm_topk_prob: normed } = settings
  const spec = gatedExperts({
    count,
    perToken: settings.num_experts_per_tok,
    hiddenSize: settings.hidden_size,
    intermediateSize: wide,
    activation: settings.hidden_act,
    names: { router: 'mlp.gate', module: 'mlp.experts', alone: ['gate_proj', 'up_proj', 'down_proj'] }
  })
  const shared = { ...settings, intermediate_size: settings.shared_expert_intermediate_size }
  const feedForward = (layer: LayerBuilder, n: Value): Value => {
    const bias = layer.parameter(BIAS, [count], { float32: true })
    const routed = routedSum(layer, n, spec, { scores: 'sigmoid', byLogits: true, normed, bias })
    return layer.graph.add(routed, sharedExpert(layer, n, shared, { module: 'mlp.shared_experts', mlpBias: false }))
  }
  const model = llamaLike(shared, {
    family: 'kolibri1',
    inputBias: false,
    outputBias: false,
    mlpBias: false,
    queryKeyNorm: { over: 'head' },
    outerNorms: OUTER_NORMS,
    feedForward
  })
  return {
    ...model,
    experts: expertsNote(spec, 'mlp.experts', { quantizedIn4: false }),
    fileName: (name) => Object.entries(FILED).reduce((kept, [own, filed]) => kept.replace(`.${own}`, `.${filed}`), name)
  }
}
