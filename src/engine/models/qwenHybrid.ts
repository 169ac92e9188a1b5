import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { decoder } from './decoder'
import { NAMED_AS_EXPERTS } from './experts'
import { checkDeltaNet, gatedDeltaNet, groupedInputs, type ProjectInputs, separateInputs } from './gatedDeltaNet'
import { deriveHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { readLayerTypes } from './layerTypes'
import { gatedMlp } from './mlp'
import { offsetRmsNorm } from './norms'
import { checkSparseLayers, qwenExperts } from './qwenExperts'
import { readRope, ropeKey, STANDARD_ROPE } from './ropeSettings'
import { selfAttention } from './selfAttention'
import { flag, integer, natural, number, orNull, readSettings, type Settings, texts, wholes } from './settings'
import { INSIDE, OWN } from './textTower'

/** Keys that all have, with the defaults of transformers' Qwen3_5TextConfig. */
const SHARED = {
  vocab_size: integer(248_320),
  hidden_size: integer(4096),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(16),
  num_key_value_heads: integer(4),
  head_dim: integer(256),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(32_768),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  linear_conv_kernel_dim: integer(4),
  linear_key_head_dim: integer(128),
  linear_value_head_dim: integer(128),
  linear_num_key_heads: integer(16),
  linear_num_value_heads: integer(32),
  layer_types: orNull(texts)
}

const QWEN3_5 = { ...SHARED, intermediate_size: integer(12_288) }

/** Defaults of Qwen3_5MoeTextConfig. */
const QWEN3_5_MOE = {
  ...SHARED,
  hidden_size: integer(2048),
  num_hidden_layers: integer(40),
  num_key_value_heads: integer(2),
  moe_intermediate_size: integer(512),
  shared_expert_intermediate_size: integer(512),
  num_experts_per_tok: integer(8),
  num_experts: integer(256)
}

/** Defaults of Qwen3NextConfig. */
const QWEN3_NEXT = {
  ...QWEN3_5_MOE,
  vocab_size: integer(151_936),
  intermediate_size: integer(5632),
  num_hidden_layers: integer(48),
  num_experts_per_tok: integer(10),
  num_experts: natural(512),
  norm_topk_prob: flag(true),
  decoder_sparse_step: integer(1),
  mlp_only_layers: orNull(wholes)
}

const TYPES = ['linear_attention', 'full_attention'] as const
const ROPE = { ...STANDARD_ROPE, share: ['partial_rotary_factor', 0.25], nullIsWhole: true, partial: true } as const

/** One of so many layers sees all tokens, where config.json does not say which do. */
const FULL_INTERVAL = 4

/** What files of the model without its wrapper begin names with. */
const STORED = { [OWN]: [INSIDE] }

/** Streams of positions: time, height, width. */
const STREAMS = 3

/**
 * The text model of Qwen 3.5: gated delta nets on most layers, attention with gated heads on the others. Its rotary positions
 * have three streams, which on texts are one.
 *
 *     x += mix(norm₁(x));   x += down(act(gate(n)) · up(n)), n = norm₂(x)
 *
 * Source: transformers modeling_qwen3_5. Its states are in float32, whatever `mamba_ssm_dtype` says.
 */
export const qwen35Text = defineFamily({
  modelTypes: ['qwen3_5_text'],
  settings(config) {
    checkStreams(config)
    return derive(config, readSettings(config, QWEN3_5))
  },
  build(settings) {
    const feedForward = (layer: LayerBuilder, n: Value) => gatedMlp(layer, n, settings, { mlpBias: false })
    const model = hybrid(settings, { family: 'qwen3_5_text', project: separateInputs, feedForward })
    return { ...model, storedPrefixes: STORED }
  }
})

/** The same with experts in the place of the MLP on all layers. Source: transformers modeling_qwen3_5_moe. */
export const qwen35MoeText = defineFamily({
  modelTypes: ['qwen3_5_moe_text'],
  settings(config) {
    checkStreams(config)
    return checkSparseLayers(config, derive(config, readSettings(config, QWEN3_5_MOE)))
  },
  build(settings) {
    const { feedForward, note } = qwenExperts(settings, { normed: true, quantizedIn4: false })
    const model = hybrid(settings, { family: 'qwen3_5_moe_text', project: separateInputs, feedForward })
    return { ...model, ...note, storedPrefixes: STORED }
  }
})

/**
 * Qwen3-Next: the same with other linears before the delta rule, and with experts on all layers or on some.
 *
 * Source: transformers modeling_qwen3_next.
 */
export const qwen3Next = defineFamily({
  modelTypes: ['qwen3_next'],
  settings(config) {
    const table = readSettings(config, QWEN3_NEXT)
    const settings = { ...table, mlp_only_layers: table.mlp_only_layers ?? [] }
    return checkSparseLayers(config, derive(config, settings))
  },
  build(settings) {
    const { feedForward, note } = qwenExperts(settings, { normed: settings.norm_topk_prob, quantizedIn4: true })
    const model = hybrid(settings, { family: 'qwen3_next', project: groupedInputs, feedForward })
    return { ...model, ...note, unreached: NAMED_AS_EXPERTS }
  }
})

/** What follows from the keys that all have. */
function derive<S extends Settings<typeof SHARED>>(config: ConfigReader, settings: S) {
  checkDeltaNet(config, settings)
  const heads = deriveHeads(config, settings)
  const { max_position_embeddings: limit } = settings
  // The config class looks at it only where it lists no types.
  const interval = settings.layer_types === null ? config.integer('full_attention_interval', FULL_INTERVAL) : 1
  const typeOf = (index: number) => ((index + 1) % interval === 0 ? 'full_attention' : 'linear_attention')
  const layer_types = readLayerTypes(config, settings, typeOf, TYPES)
  const rope = readRope(config, ROPE, { headDim: heads.head_dim, limit, layerTypes: layer_types })
  const layers = layer_types.map((type) => ({ window: null, rope: type === 'full_attention' ? rope : null }))
  return { ...settings, ...heads, layer_types, layers }
}

type HybridSettings = ReturnType<typeof derive<Settings<typeof SHARED>>>

interface HybridOptions {
  readonly family: string
  /** Linears before the delta rule. */
  readonly project: ProjectInputs
  /** What follows the second norm; undefined where experts behind the block are all of it. */
  readonly feedForward: (layer: LayerBuilder, n: Value, index: number) => Value | undefined
}

function hybrid(settings: HybridSettings, { family, project, feedForward }: HybridOptions): ModelArchitecture {
  const { hidden_size: hiddenSize, rms_norm_eps: epsilon, attention_bias: bias } = settings
  const norm = (layer: LayerBuilder, x: Value, name: string) => offsetRmsNorm(layer, x, name, hiddenSize, epsilon)
  const queryKeyNorm = { over: 'head' } as const
  const options = { inputBias: bias, outputBias: bias, gated: true, queryKeyNorm, norm: offsetRmsNorm }
  return decoder(settings, {
    family,
    buildBlock(layer, x, index) {
      const n = norm(layer, x, 'input_layernorm')
      const mixed =
        settings.layer_types[index] === 'full_attention'
          ? selfAttention(layer, n, index, settings, options)
          : gatedDeltaNet(layer, n, settings, { project })
      const middle = layer.graph.add(x, mixed)
      const fed = feedForward(layer, norm(layer, middle, 'post_attention_layernorm'), index)
      return fed === undefined ? middle : layer.graph.add(middle, fed)
    },
    buildFinalNorm: (layer, x) => norm(layer, x, 'model.norm')
  })
}

/** Its model takes the sizes of three streams, whichever they are. */
function checkStreams(config: ConfigReader): void {
  const parameters = config.object(ropeKey(config))
  if (!parameters.given('mrope_section')) return
  if (parameters.wholes('mrope_section').length < STREAMS) {
    throw parameters.complaint('mrope_section', `a list of ${STREAMS} whole numbers`)
  }
}
