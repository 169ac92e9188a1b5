import type { Value } from '../graph/graphBuilder'
import { activate, activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { decoder } from './decoder'
import { checkRouting, type ExpertsSpec, selectedSigmoid } from './experts'
import { deriveHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { type LayerAttention, readLayerTypes } from './layerTypes'
import { gatedMlp } from './mlp'
import { bareRmsNorm, rmsNorm } from './norms'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { expertsNote, sharedExpert } from './routedExperts'
import { projectedAttention } from './selfAttention'
import { flag, integer, natural, number, orNull, readSettings, texts, wholes } from './settings'
import { OWN } from './textTower'

/** Defaults of transformers' Llama4TextConfig. */
const TABLE = {
  vocab_size: integer(202_048),
  hidden_size: integer(5120),
  intermediate_size: integer(8192),
  intermediate_size_mlp: integer(16_384),
  num_hidden_layers: integer(48),
  num_attention_heads: integer(40),
  num_key_value_heads: integer(8),
  head_dim: integer(128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  use_qk_norm: flag(true),
  no_rope_layers: orNull(wholes),
  no_rope_layer_interval: integer(4),
  layer_types: orNull(texts),
  attention_chunk_size: integer(8192),
  attn_temperature_tuning: flag(true),
  floor_scale: integer(8192),
  attn_scale: number(0.1),
  num_experts_per_tok: integer(1),
  num_local_experts: natural(16),
  moe_layers: orNull(wholes),
  interleave_moe_layer_step: natural(1)
}

const ROPE = { ...STANDARD_ROPE, theta: ['rope_theta', 500_000] } as const

/** What files of the model with its wrapper begin names with. */
const STORED = { [OWN]: [`language_model.${OWN}`], 'lm_head.': ['language_model.lm_head.'] }

/** Source: SequentialLlama4TextExperts in transformers' quantizers/base.py. */
const NO_STORED_BASE =
  'transformers loads no stored base of LLaMA 4 with experts: it looks there for a linear of each expert, and writes all in ' +
  'one tensor; expected is the model in full precision, which is quantized as it is loaded'

/** What follows the second norm of a block, and the experts in it. */
const MODULE = 'feed_forward'
const EXPERTS = `${MODULE}.experts`

const TYPES = ['chunked_attention', 'full_attention'] as const

/**
 * LLaMA 4: neighbouring dimensions rotate as pairs, and heads are normed after that, without parameters; every fourth layer
 * does not rotate, where queries grow with their position instead. The others see chunks of the row. Some layers or all have experts, which get weighed inputs, and an MLP for every token beside.
 *
 *     x += shared(n) + Σₑ expertₑ(wₑ n), w = sigmoid of the top k of router(n)
 *     q ← q · (1 + scale · ln(1 + ⌊(position + 1) / floor⌋)) where heads do not rotate
 *
 * Source: transformers modeling_llama4.
 */
export const llama4 = defineFamily({
  modelTypes: ['llama4_text'],
  settings: readLlama4,
  build: buildLlama4
})

function readLlama4(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const heads = deriveHeads(config, settings)
  const rotates = rotatingLayers(config, settings)
  const layer_types = readLayerTypes(config, settings, (index) => TYPES[rotates(index) === 0 ? 1 : 0], TYPES)
  const shape = { headDim: heads.head_dim, limit: settings.max_position_embeddings, layerTypes: layer_types }
  const rope = readRope(config, ROPE, shape)
  const layers = layer_types.map(
    (type, index): LayerAttention => ({
      window: null,
      ...(type === 'chunked_attention' && { chunk: settings.attention_chunk_size }),
      rope: rotates(index) === 0 ? null : rope
    })
  )
  const no_rope_layers = settings.no_rope_layers?.length ? settings.no_rope_layers : layers.map((_, i) => rotates(i))
  const moe_layers = sparseLayers(config, settings)
  const read = { ...settings, ...heads, no_rope_layers, layer_types, moe_layers, layers }
  if (hasExperts(read)) checkRouting(config, settings.num_experts_per_tok, settings.num_local_experts)
  return read
}

interface Experts {
  readonly layers: readonly unknown[]
  readonly moe_layers: readonly number[]
}

const hasExperts = ({ layers, moe_layers: sparse }: Experts): boolean =>
  layers.some((_, index) => sparse.includes(index))

interface Rotating {
  readonly num_hidden_layers: number
  readonly no_rope_layers: readonly number[] | null
  readonly no_rope_layer_interval: number
  readonly layer_types: readonly string[] | null
}

/** By the index of a layer, 0 where it does not rotate. The types of the layers are made of these, unless they are given. */
function rotatingLayers(
  config: ConfigReader,
  { num_hidden_layers: count, no_rope_layers: listed, no_rope_layer_interval: every, layer_types }: Rotating
): (index: number) => number {
  if (listed === null || listed.length === 0) return (index) => Number((index + 1) % every !== 0)
  if (layer_types === null ? listed.length === count : listed.length >= count) return (index) => listed[index] as number
  const expected = layer_types === null ? `${count} numbers` : `at least ${count} numbers`
  throw config.complaint('no_rope_layers', `null or ${expected}, one for each layer`)
}

interface Sparse {
  readonly num_hidden_layers: number
  readonly moe_layers: readonly number[] | null
  readonly interleave_moe_layer_step: number
}

/** The layers that have experts. */
function sparseLayers(
  config: ConfigReader,
  { num_hidden_layers: count, moe_layers: listed, interleave_moe_layer_step: every }: Sparse
): readonly number[] {
  if (listed !== null) return listed
  if (every === 0) throw config.complaint('interleave_moe_layer_step', 'a positive integer where moe_layers is absent')
  return Array.from({ length: Math.floor(count / every) }, (_, index) => (index + 1) * every - 1)
}

type Llama4Settings = ReturnType<typeof readLlama4>

function buildLlama4(settings: Llama4Settings): ModelArchitecture {
  const { hidden_size: hiddenSize, rms_norm_eps: epsilon } = settings
  const norm = (layer: LayerBuilder, x: Value, name: string) => rmsNorm(layer, x, name, hiddenSize, epsilon)
  const dense = { ...settings, intermediate_size: settings.intermediate_size_mlp }
  const spec = weighedExperts(settings)
  const feedForward = (layer: LayerBuilder, n: Value, index: number): Value => {
    if (!settings.moe_layers.includes(index)) return gatedMlp(layer, n, dense, { module: MODULE, mlpBias: false })
    const router = layer.parameter(`${spec.router}.weight`, [spec.count, hiddenSize])
    const logits = layer.graph.gemm(n, router, { transB: 1 })
    layer.addExperts(spec, n, selectedSigmoid(layer.graph, logits, spec))
    return sharedExpert(layer, n, settings, { module: `${MODULE}.shared_expert`, mlpBias: false })
  }
  return decoder(settings, {
    family: 'llama4_text',
    buildBlock(layer, x, index) {
      const { graph } = layer
      const middle = graph.add(x, attention(layer, norm(layer, x, 'input_layernorm'), index, settings))
      const n = norm(layer, middle, 'post_attention_layernorm')
      return graph.add(middle, feedForward(layer, n, index))
    },
    buildFinalNorm: (layer, x) => norm(layer, x, 'model.norm'),
    // Not `model.`: transformers finds nothing of the text model where names lack it.
    basePrefix: '',
    storedPrefixes: STORED,
    ...(hasExperts(settings) && {
      experts: expertsNote(spec, EXPERTS, { quantizedIn4: false, routerFailsIn4: true }),
      noStoredBase: NO_STORED_BASE
    })
  })
}

function attention(layer: LayerBuilder, n: Value, index: number, settings: Llama4Settings): Value {
  const { attention_bias: bias, use_qk_norm: normed, rms_norm_eps: epsilon } = settings
  const rotates = settings.layers[index]?.rope !== null
  const norm = (x: Value) => bareRmsNorm(layer, x, epsilon)
  return projectedAttention(layer, n, index, settings, {
    inputBias: bias,
    outputBias: bias,
    interleaved: true,
    ...(rotates && normed && { rotatedNorms: { q: norm, k: norm } }),
    ...(!rotates && settings.attn_temperature_tuning && { queryFactor: growthOf(settings) })
  })
}

/** What queries of a position are multiplied by, in float32 where torch divides. */
const growthOf =
  ({ attn_scale: scale, floor_scale: floor }: Pick<Llama4Settings, 'attn_scale' | 'floor_scale'>) =>
  (position: number): number =>
    1 + scale * Math.log1p(Math.floor(Math.fround((position + 1) / floor)))

/** down(act(gate(x)) · up(x)) of weighed inputs x, from matrices [in, out], of which one is for gate and up. */
function weighedExperts(settings: Llama4Settings): ExpertsSpec {
  const { hidden_size: hidden, intermediate_size: wide, num_local_experts: count, hidden_act } = settings
  const stacked = (input: string, name: string, shape: readonly number[]) => ({
    input,
    shape,
    stacked: { name: `${EXPERTS}.${name}`, shape: [count, ...shape], first: 0 }
  })
  return {
    count,
    perToken: settings.num_experts_per_tok,
    hiddenSize: hidden,
    router: `${MODULE}.router`,
    weighsInputs: true,
    tensors: [stacked('gateUp', 'gate_up_proj', [hidden, 2 * wide]), stacked('down', 'down_proj', [wide, hidden])],
    build(graph, x, tensor) {
      const [gate, up] = graph.split(graph.gemm(x, tensor('gateUp')), 1, [wide, wide]) as [Value, Value]
      return graph.gemm(graph.mul(activate(graph, hidden_act, gate), up), tensor('down'))
    }
  }
}
