import { badInput } from '../../shared/errors'
import { MAX_HEADS } from '../formats/limits'
import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import { softcapped } from './attention'
import type { ConfigReader } from './configReader'
import { decoder } from './decoder'
import { checkRouting, gatedExperts, NAMED_AS_EXPERTS, routedScores } from './experts'
import type { LayerBuilder } from './layerBuilder'
import { givenRopes, readOwnRopes } from './layerRopes'
import { layersByType, readLayerTypes, readMlpTypes } from './layerTypes'
import { gatedMlp } from './mlp'
import { rmsNorm } from './norms'
import { STANDARD_ROPE } from './ropeSettings'
import { expertsNote, sharedExpert } from './routedExperts'
import { selfAttention } from './selfAttention'
import { flag, integer, number, only, orNull, readSettings, type Setting, texts, wholes } from './settings'
import { softplus } from './softplus'

/** How fine the gates of the attention are: one for each head where true, else one for each of its values. */
const gating: Setting<boolean | string> = {
  fallback: true,
  read(config, key) {
    const value = config.raw(key)
    if (typeof value === 'boolean' || typeof value === 'string') return value
    throw config.complaint(key, 'true, "per-head" or "per-element"')
  }
}

/** Defaults of transformers' LagunaConfig. */
const TABLE = {
  vocab_size: integer(100_352),
  hidden_size: integer(2048),
  intermediate_size: integer(8192),
  num_hidden_layers: integer(40),
  num_attention_heads: integer(48),
  num_attention_heads_per_layer: orNull(wholes),
  num_key_value_heads: integer(8),
  head_dim: integer(128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  gating,
  sliding_window: integer(512),
  layer_types: orNull(texts),
  mlp_layer_types: orNull(texts),
  moe_intermediate_size: integer(512),
  shared_expert_intermediate_size: integer(512),
  num_experts_per_tok: integer(8),
  num_experts: integer(256),
  moe_routed_scaling_factor: number(1),
  moe_apply_router_weight_on_input: only(false),
  moe_router_logit_softcapping: number(0)
}

/** Where a config has none. */
const ROPES = {
  full_attention: { rope_type: 'default', rope_theta: 500_000, partial_rotary_factor: 0.5 },
  sliding_attention: { rope_type: 'default', rope_theta: 10_000, partial_rotary_factor: 1 }
} as const

/** In checkpoints; a part of the router in transformers 5. */
const BIAS = 'mlp.experts.e_score_correction_bias'

/**
 * Laguna: types of layers with rotary positions of their own, normed heads, as many as each layer says, and gates of what they
 * attend to; on all layers but the first experts, chosen by scores and a bias, and a shared one beside them.
 *
 *     x += o(attention(q(n), k(n), v(n)) · softplus(g(n)));   x += shared(n) + s · Σₑ wₑ · expertₑ(n),
 *     w = the top k of sigmoid(cap · tanh(gate(n) / cap)) + b, without b, by their sum
 *
 * Source: transformers modeling_laguna.
 */
export const laguna = defineFamily({ modelTypes: ['laguna'], settings: readLaguna, build: buildLaguna })

function readLaguna(config: ConfigReader) {
  const given = readSettings(config, TABLE)
  const { num_hidden_layers: count, head_dim: headDim, max_position_embeddings: limit } = given
  const layer_types = readLayerTypes(config, given, () => 'full_attention')
  const mlp_layer_types = readMlpTypes(config, given, (index) => (index === 0 ? 'dense' : 'sparse'))
  const num_attention_heads_per_layer =
    given.num_attention_heads_per_layer ?? Array(count).fill(given.num_attention_heads)
  checkHeads(config, num_attention_heads_per_layer, given)
  if (mlp_layer_types.includes('sparse')) checkRouting(config, given.num_experts_per_tok, given.num_experts)
  const sizes = new Map(layer_types.map((type) => [type, headDim]))
  const ropes = readOwnRopes(config, givenRopes(config, ROPES), sizes, limit, { ...STANDARD_ROPE, partial: true })
  const layers = layersByType(config, layer_types, given.sliding_window, ropes)
  return { ...given, num_attention_heads_per_layer, layer_types, mlp_layer_types, layers }
}

/** @throws {AppError} BAD_INPUT where a layer has no number of heads, or one that those of keys do not divide */
function checkHeads(
  config: ConfigReader,
  heads: readonly number[],
  {
    num_hidden_layers: count,
    num_key_value_heads: keyHeads
  }: { num_hidden_layers: number; num_key_value_heads: number }
): void {
  const fitting =
    heads.length === count && heads.every((each) => each > 0 && each % keyHeads === 0 && each <= MAX_HEADS)
  if (fitting) return
  if (config.has('num_attention_heads_per_layer')) {
    throw config.complaint('num_attention_heads_per_layer', `${count} multiples of num_key_value_heads ${keyHeads}`)
  }
  throw badInput(`${config.where}: num_key_value_heads is ${keyHeads}, expected a divisor of ${heads[0]} heads`)
}

type LagunaSettings = ReturnType<typeof readLaguna>

function buildLaguna(settings: LagunaSettings): ModelArchitecture {
  const { hidden_size: hiddenSize, rms_norm_eps: epsilon, attention_bias: bias, mlp_layer_types: types } = settings
  const norm = (layer: LayerBuilder, x: Value, name: string) => rmsNorm(layer, x, name, hiddenSize, epsilon)
  const perHead = settings.gating === true || settings.gating === 'per-head'
  const gate = { name: 'g_proj', perHead, of: (graph: GraphBuilder, x: Value) => softplus(graph, x) }
  const attention = { inputBias: bias, outputBias: bias, gate, queryKeyNorm: { over: 'head' } } as const
  const { feedForward, spec } = lagunaExperts(settings)
  const model = decoder(settings, {
    family: 'laguna',
    buildBlock(layer, x, index) {
      const heads = settings.num_attention_heads_per_layer[index] as number
      const own = { ...settings, num_attention_heads: heads }
      const attended = selfAttention(layer, norm(layer, x, 'input_layernorm'), index, own, attention)
      const middle = layer.graph.add(x, attended)
      return layer.graph.add(middle, feedForward(layer, norm(layer, middle, 'post_attention_layernorm'), index))
    },
    buildFinalNorm: (layer, x) => norm(layer, x, 'model.norm')
  })
  const experts = expertsNote(spec, 'mlp.experts', { quantizedIn4: false })
  return {
    ...model,
    fileName: (name) => name.replace('.mlp.shared_experts.', '.mlp.shared_expert.'),
    otherNames: (name) => (name.endsWith(BIAS) ? [name.replace(`.${BIAS}`, '.mlp.gate.e_score_correction_bias')] : []),
    // Of an adapter that names shared experts, PEFT makes names that none of its modules has.
    unreached: NAMED_AS_EXPERTS,
    ...(types.includes('sparse') && { experts })
  }
}

/** What follows the second norm of each layer. */
function lagunaExperts(settings: LagunaSettings) {
  const { hidden_size: hiddenSize, num_experts: count, mlp_layer_types: types } = settings
  const { moe_router_logit_softcapping: cap, moe_routed_scaling_factor: scale } = settings
  const spec = gatedExperts({
    count,
    perToken: settings.num_experts_per_tok,
    hiddenSize,
    intermediateSize: settings.moe_intermediate_size,
    activation: settings.hidden_act,
    names: { router: 'mlp.gate', module: 'mlp.experts', alone: ['gate_proj', 'up_proj', 'down_proj'] }
  })
  const shared = { ...settings, intermediate_size: settings.shared_expert_intermediate_size }
  const feedForward = (layer: LayerBuilder, n: Value, index: number): Value => {
    if (types[index] === 'dense') return gatedMlp(layer, n, settings, { mlpBias: false })
    const { graph } = layer
    const logits = graph.gemm(n, layer.parameter('mlp.gate.weight', [count, hiddenSize]), { transB: 1 })
    const scores = graph.sigmoid(cap > 0 ? softcapped(graph, logits, cap) : logits)
    const bias = layer.parameter(BIAS, [count])
    layer.addExperts(spec, n, routedScores(graph, scores, { ...spec, normed: true, bias, scale }))
    return sharedExpert(layer, n, shared, { module: 'mlp.shared_experts', mlpBias: false })
  }
  return { feedForward, spec }
}
