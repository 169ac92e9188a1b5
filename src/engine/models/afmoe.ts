import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { decoder } from './decoder'
import { checkRouting, type ExpertsSpec, gatedExperts, NAMED_AS_EXPERTS, routedScores } from './experts'
import { deriveHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { layersByType, readLayerTypes, slidingBut } from './layerTypes'
import { gatedMlp } from './mlp'
import { rmsNorm } from './norms'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { expertsNote, sharedExpert } from './routedExperts'
import { selfAttention } from './selfAttention'
import { flag, integer, natural, number, orNull, readSettings, texts } from './settings'

/** Defaults of transformers' AfmoeConfig. */
const TABLE = {
  vocab_size: integer(200_192),
  hidden_size: integer(2048),
  intermediate_size: integer(6144),
  moe_intermediate_size: integer(1408),
  num_hidden_layers: integer(32),
  num_dense_layers: natural(1),
  num_attention_heads: integer(16),
  num_key_value_heads: orNull(integer),
  head_dim: integer(128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(16_384),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  num_experts: integer(64),
  num_experts_per_tok: integer(6),
  num_shared_experts: integer(2),
  route_scale: number(1),
  global_attn_every_n_layers: orNull(integer, 4),
  sliding_window: orNull(integer, 1024),
  layer_types: orNull(texts),
  mup_enabled: orNull(flag, false),
  attention_bias: flag(false)
}

/** Added to the sum that routing weights are divided by. */
const EPSILON = 1e-20

/** The linear that scores experts. */
const ROUTER = 'mlp.router.gate'

/** PEFT takes the router for that of another family, which is no linear, as it takes others for experts. */
const UNREACHED: ReadonlySet<string> = new Set([...NAMED_AS_EXPERTS, 'gate'])

/**
 * AFMoE (Arcee Trinity): norms before and after each sublayer; normed heads, of which those of sliding layers rotate and the
 * others have no positions; gates of what they attend to. But on the first layers experts, chosen by scores and a bias, and
 * shared ones beside them.
 *
 *     x += norm(o(attention(q(n), k(n), v(n)) · sigmoid(gate(n)))), n = norm(x);   x += norm(mlp(n)), n = norm(x)
 *     mlp(n) = shared(n) + Σₑ wₑ · expertₑ(n), w = the top k of sigmoid(router(n)) + b, without b, by their sum, times a factor
 *
 * Source: transformers modeling_afmoe.
 */
export const afmoe = defineFamily({ modelTypes: ['afmoe'], settings: readAfmoe, build: buildAfmoe })

function readAfmoe(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const { num_dense_layers: dense, num_hidden_layers: count, global_attn_every_n_layers: every } = settings
  if (dense < count) checkRouting(config, settings.num_experts_per_tok, settings.num_experts)
  if (every === null && settings.layer_types === null) {
    throw config.complaint('global_attn_every_n_layers', 'a positive integer, where layer_types is missing')
  }
  const layer_types = readLayerTypes(config, settings, slidingBut(every as number))
  const heads = deriveHeads(config, settings)
  const { max_position_embeddings: limit } = settings
  const rope = readRope(config, STANDARD_ROPE, { headDim: heads.head_dim, limit, layerTypes: layer_types })
  const typed = layersByType(config, layer_types, settings.sliding_window, rope, { alwaysMasked: true })
  const layers = typed.map((layer) => (layer.window === null ? { ...layer, rope: null } : layer))
  return { ...settings, ...heads, layer_types, layers }
}

type AfmoeSettings = ReturnType<typeof readAfmoe>

function buildAfmoe(settings: AfmoeSettings): ModelArchitecture {
  const { hidden_size: hiddenSize, num_dense_layers: dense, rms_norm_eps: epsilon, attention_bias: bias } = settings
  const spec = gatedExperts({
    count: settings.num_experts,
    perToken: settings.num_experts_per_tok,
    hiddenSize,
    intermediateSize: settings.moe_intermediate_size,
    activation: settings.hidden_act,
    names: { module: 'mlp.experts', alone: ['gate_proj', 'up_proj', 'down_proj'] }
  })
  const norm = (layer: LayerBuilder, x: Value, name: string) => rmsNorm(layer, x, name, hiddenSize, epsilon)
  const gate = { name: 'gate_proj', of: (graph: GraphBuilder, x: Value) => graph.sigmoid(x) }
  const attention = { inputBias: bias, outputBias: bias, gate, queryKeyNorm: { over: 'head' } } as const
  const model = decoder(settings, {
    family: 'afmoe',
    ...(settings.mup_enabled && { buildEmbedding: ({ graph }, x) => graph.scaled(x, Math.sqrt(hiddenSize)) }),
    buildBlock(layer, x, index) {
      const attended = selfAttention(layer, norm(layer, x, 'input_layernorm'), index, settings, attention)
      const middle = layer.graph.add(x, norm(layer, attended, 'post_attention_layernorm'))
      const n = norm(layer, middle, 'pre_mlp_layernorm')
      const fed =
        index < dense ? gatedMlp(layer, n, settings, { mlpBias: false }) : withExperts(layer, n, spec, settings)
      return layer.graph.add(middle, norm(layer, fed, 'post_mlp_layernorm'))
    },
    buildFinalNorm: (layer, x) => norm(layer, x, 'model.norm')
  })
  const note = { quantizedIn4: false, quantizedRouter: ROUTER, unreachedRouter: true }
  const experts = expertsNote(spec, 'mlp.experts', note)
  return { ...model, unreached: UNREACHED, ...(dense < settings.layers.length && { experts }) }
}

/** What experts and shared ones make of n [tokens, hidden]. */
function withExperts(layer: LayerBuilder, n: Value, spec: ExpertsSpec, settings: AfmoeSettings): Value {
  const { graph } = layer
  const { moe_intermediate_size: wide, num_shared_experts: sharedExperts, route_scale: scale } = settings
  const logits = layer.linear(ROUTER, n, { in: spec.hiddenSize, out: spec.count, bias: false })
  const bias = layer.parameter('mlp.expert_bias', [spec.count])
  const routing = routedScores(graph, graph.sigmoid(logits), { ...spec, normed: true, bias, epsilon: EPSILON, scale })
  const size = { ...settings, intermediate_size: wide * sharedExperts }
  const shared = sharedExpert(layer, n, size, { module: 'mlp.shared_experts', mlpBias: false })
  return graph.add(shared, layer.sumOfExperts(spec, n, routing))
}
