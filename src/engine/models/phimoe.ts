import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { checkRouting, gatedExperts } from './experts'
import { deriveHeads } from './heads'
import { FARTHEST, largest } from './largest'
import type { LayerBuilder } from './layerBuilder'
import { equalLayers } from './layerTypes'
import { llamaLike } from './llamaLike'
import { layerNorm } from './norms'
import type { Rope } from './rope'
import { type RopeShape, readRope, ropeKey, STANDARD_ROPE } from './ropeSettings'
import { beside, flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' PhimoeConfig. */
const TABLE = {
  vocab_size: integer(32_064),
  hidden_size: integer(4096),
  intermediate_size: integer(6400),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(8),
  head_dim: beside(integer, 1),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  sliding_window: orNull(integer),
  // Its model chooses two, whatever is said here.
  num_experts_per_tok: integer(2),
  num_local_experts: integer(16),
  router_jitter_noise: number(0.01),
  attention_bias: flag(false),
  lm_head_bias: flag(false)
}

const ROPE = { ...STANDARD_ROPE, theta: ['rope_theta', 1_000_000], types: ['default', 'longrope'] } as const

/** The module is `mlp` in transformers 5, and has its old name in checkpoints. */
const MODULE = 'block_sparse_moe'

/** Experts that a token is routed to. */
const PER_TOKEN = 2

/**
 * Phi-3.5-MoE: LLaMA with layer norms, a bias of the head where there is one, and experts in the place of the MLP, two for
 * each token.
 *
 *     x += Σₑ wₑ · w2ₑ(act(w1ₑ(n)) · w3ₑ(n)), w = mixed(gate(n))
 *
 * Source: transformers modeling_phimoe.
 */
export const phimoe = defineFamily({ modelTypes: ['phimoe'], settings: readPhimoe, build: buildPhimoe })

function readPhimoe(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const { num_local_experts: count, max_position_embeddings: limit, num_hidden_layers: layers } = settings
  if (count < PER_TOKEN) throw config.complaint('num_local_experts', `at least ${PER_TOKEN}`)
  checkRouting(config, PER_TOKEN, count)
  const heads = deriveHeads(config, settings)
  const rope = readPhimoeRope(config, { headDim: heads.head_dim, limit })
  return { ...settings, ...heads, layers: equalLayers(config, layers, settings.sliding_window, rope) }
}

/**
 * LongRoPE with the divisors of short rows for all rows, which is what its model makes of it; of long ones, cos and sin have
 * another factor. Its config class takes no notice of an original context beside the parameters.
 */
function readPhimoeRope(config: ConfigReader, shape: RopeShape): Rope {
  const rope = readRope(config.with({ original_max_position_embeddings: undefined }), ROPE, shape)
  const { scaling } = rope
  if (scaling.type !== 'longrope') return rope
  const parameters = config.object(ropeKey(config))
  const [magnitude, longMagnitude] = [parameters.number('short_mscale'), parameters.number('long_mscale')]
  return { ...rope, scaling: { ...scaling, long: scaling.short, magnitude, longMagnitude } }
}

function buildPhimoe(settings: ReturnType<typeof readPhimoe>): ModelArchitecture {
  const {
    hidden_size: hiddenSize,
    num_local_experts: count,
    attention_bias: bias,
    router_jitter_noise: noise
  } = settings
  const spec = gatedExperts({
    count,
    perToken: PER_TOKEN,
    hiddenSize,
    intermediateSize: settings.intermediate_size,
    activation: settings.hidden_act,
    names: { router: `${MODULE}.gate`, module: `${MODULE}.experts`, alone: ['w1', 'w3', 'w2'] }
  })
  const feedForward = (layer: LayerBuilder, n: Value): undefined => {
    const logits = layer.graph.gemm(n, layer.parameter(`${MODULE}.gate.weight`, [count, hiddenSize]), { transB: 1 })
    layer.addExperts(spec, n, mixed(layer.graph, logits, count, 2 * noise))
  }
  const options = { inputBias: bias, outputBias: bias, mlpBias: false, norm: layerNorm, feedForward }
  return {
    ...llamaLike(settings, { family: 'phimoe', ...options }),
    otherNames: (name) =>
      name.includes(`.${MODULE}.`)
        ? [name.replace(`.${MODULE}.`, '.mlp.').replace('.mlp.gate.weight', '.mlp.router.weight')]
        : [],
    ...(settings.lm_head_bias && { headBias: 'lm_head.bias' }),
    experts: { count, perToken: PER_TOKEN, unquantized: ['mlp.experts', 'mlp.router'], quantizedIn4: true }
  }
}

/**
 * Routing weights [tokens, count] of logits: of the largest its share in a softmax over those that are near it, of the next
 * one its share among the others, those near it. Near a largest m are s with (m − s) / max(|s|, m) ≤ reach; which they are has
 * no gradient.
 *
 * Source: transformers modeling_phimoe, sparsemixer, where it does not train.
 */
function mixed(graph: GraphBuilder, logits: Value, count: number, reach: number): Value {
  const first = largest(graph, logits, { perToken: 1, count })
  const rest = graph.sub(logits, graph.mul(first, graph.scalar(FARTHEST)))
  const second = largest(graph, rest, { perToken: 1, count })
  const share = (chosen: Value, among: Value, left: Value | undefined): Value => {
    const far = distant(graph, logits, among, reach)
    const blocked = graph.detach(left === undefined ? far : graph.add(far, left))
    return graph.mul(chosen, graph.softmax(graph.sub(logits, graph.mul(blocked, graph.scalar(FARTHEST)))))
  }
  return graph.add(share(first, logits, undefined), share(second, rest, first))
}

/** 1 where (m − s) / max(|s|, m) is above the reach, for the largest m of `among`; 0 elsewhere. */
function distant(graph: GraphBuilder, s: Value, among: Value, reach: number): Value {
  const zero = graph.scalar(0)
  const max = graph.node('ReduceMax', [among, graph.ints([1])], { keepdims: 1 })
  const size = graph.node('Where', [graph.node('Less', [s, zero]), graph.sub(zero, s), s])
  const factor = graph.node('Where', [graph.node('Less', [size, max]), max, size])
  const distance = graph.div(graph.sub(max, s), factor)
  return graph.node('Where', [graph.node('Less', [graph.scalar(reach), distance]), graph.scalar(1), zero])
}
