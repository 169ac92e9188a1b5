import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { checkRouting, type ExpertsSpec, selectedSoftmax } from './experts'
import { deriveHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { layersByType, readLayerTypes, slidingBut } from './layerTypes'
import { llamaLike } from './llamaLike'
import { readRope, ropeKey, STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, orNull, readSettings, texts } from './settings'

/** Defaults of transformers' GptOssConfig; its model does not read `hidden_act`. */
const TABLE = {
  vocab_size: integer(201_088),
  hidden_size: integer(2880),
  intermediate_size: integer(2880),
  num_hidden_layers: integer(36),
  num_attention_heads: integer(64),
  num_key_value_heads: integer(8),
  head_dim: integer(64),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(true),
  sliding_window: orNull(integer, 128),
  layer_types: orNull(texts),
  num_experts_per_tok: integer(4),
  num_local_experts: integer(128),
  swiglu_alpha: number(1.702),
  swiglu_limit: number(7)
}

const ALIASES = { num_experts: 'num_local_experts' }
const ROPE = { ...STANDARD_ROPE, theta: ['rope_theta', 150_000] } as const

/** The rotary positions where a config has none. */
const YARN = {
  rope_type: 'yarn',
  factor: 32,
  beta_fast: 32,
  beta_slow: 1,
  truncate: false,
  original_max_position_embeddings: 4096
}

/**
 * gpt-oss: every other layer slides, each head has a sink beside the keys, and experts with biases whose gates are clamped.
 *
 *     x += Σₑ wₑ · (downₑ(g · sigmoid(α g) · (u + 1)) + b), g = min(gateₑ(n), limit), u = upₑ(n) within ± limit,
 *     w = softmax over the top k of router(n)
 *
 * Source: transformers modeling_gpt_oss.
 */
export const gptOss = defineFamily({ modelTypes: ['gpt_oss'], settings: readGptOss, build: buildGptOss })

function readGptOss(config: ConfigReader) {
  const settings = readSettings(config, TABLE, ALIASES)
  checkRouting(config, settings.num_experts_per_tok, settings.num_local_experts)
  const heads = deriveHeads(config, settings)
  const layer_types = readLayerTypes(config, settings, slidingBut(2))
  const shape = { headDim: heads.head_dim, limit: settings.max_position_embeddings, layerTypes: layer_types }
  const bare = ropeKey(config) === 'rope_parameters' && !config.has('rope_parameters')
  const rope = readRope(bare ? config.with({ rope_parameters: YARN }) : config, ROPE, shape)
  return {
    ...settings,
    ...heads,
    layer_types,
    layers: layersByType(config, layer_types, settings.sliding_window, rope, { alwaysMasked: true })
  }
}

type GptOssSettings = ReturnType<typeof readGptOss>

function buildGptOss(settings: GptOssSettings): ModelArchitecture {
  const { hidden_size: hiddenSize, num_local_experts: count, num_experts_per_tok: perToken } = settings
  const spec = clampedExperts(settings)
  const feedForward = (layer: LayerBuilder, n: Value): undefined => {
    const router = layer.parameter(`${spec.router}.weight`, [count, hiddenSize])
    const bias = layer.parameter(`${spec.router}.bias`, [count])
    const logits = layer.graph.gemm(n, router, { transB: 1, bias })
    layer.addExperts(spec, n, selectedSoftmax(layer.graph, logits, spec))
  }
  const model = llamaLike(
    { ...settings, hidden_act: 'silu' },
    {
      family: 'gpt_oss',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_bias,
      mlpBias: false,
      sinks: true,
      feedForward
    }
  )
  return { ...model, experts: { count, perToken, unquantized: ['mlp.experts', 'mlp.router'], quantizedIn4: false } }
}

function clampedExperts(settings: GptOssSettings): ExpertsSpec {
  const { hidden_size: hidden, intermediate_size: wide, swiglu_alpha: alpha, swiglu_limit: limit } = settings
  const { num_local_experts: count, num_experts_per_tok: perToken } = settings
  const stacked = (input: string, name: string, shape: readonly number[]) => ({
    input,
    shape,
    stacked: { name: `mlp.experts.${name}`, shape: [count, ...shape], first: 0 }
  })
  return {
    count,
    perToken,
    hiddenSize: hidden,
    router: 'mlp.router',
    tensors: [
      stacked('gateUp', 'gate_up_proj', [hidden, 2 * wide]),
      stacked('gateUpBias', 'gate_up_proj_bias', [2 * wide]),
      stacked('down', 'down_proj', [wide, hidden]),
      stacked('downBias', 'down_proj_bias', [hidden])
    ],
    build(graph, x, tensor) {
      const both = graph.gemm(x, tensor('gateUp'), { bias: tensor('gateUpBias') })
      const gated = clampedGate(graph, both, { wide, alpha, limit })
      return graph.gemm(gated, tensor('down'), { bias: tensor('downBias') })
    }
  }
}

/** The most negative float32. */
const LOWEST = -3.4028234663852886e38

/** g · sigmoid(α g) · (u + 1), of gates g and ups u that alternate. */
function clampedGate(
  graph: GraphBuilder,
  both: Value,
  { wide, alpha, limit }: { readonly wide: number; readonly alpha: number; readonly limit: number }
): Value {
  const pairs = graph.split(graph.reshape(both, [-1, wide, 2]), 2, [1, 1])
  const [gate, up] = pairs.map((each) => graph.reshape(each, [-1, wide])) as [Value, Value]
  const clip = (x: Value, low: number) => graph.node('Clip', [x, graph.scalar(low), graph.scalar(limit)])
  const [g, u] = [clip(gate, LOWEST), clip(up, -limit)]
  const glu = graph.mul(g, graph.sigmoid(graph.mul(g, graph.scalar(alpha))))
  return graph.mul(graph.add(u, graph.scalar(1)), glu)
}
