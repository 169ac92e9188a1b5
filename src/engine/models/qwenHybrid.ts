import { badInput } from '../../shared/errors'
import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import { checkTaps } from './causalConvolution'
import type { ConfigReader } from './configReader'
import { decoder } from './decoder'
import { linearsNamedAsExperts } from './experts'
import { gatedDeltaNet, groupedInputs, type ProjectInputs, separateInputs } from './gatedDeltaNet'
import { deriveHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { readLayerTypes } from './layerTypes'
import { gatedMlp } from './mlp'
import { offsetRmsNorm } from './norms'
import { readRope, ropeKey, STANDARD_ROPE } from './ropeSettings'
import { selfAttention } from './selfAttention'
import { flag, integer, natural, number, orNull, readSettings, type Settings, texts, wholes } from './settings'
import { INSIDE, OWN } from './textTower'

/** Defaults of transformers' Qwen3_5TextConfig. */
const QWEN3_5 = {
  vocab_size: integer(248_320),
  hidden_size: integer(4096),
  intermediate_size: integer(12_288),
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

/** Defaults of transformers' Qwen3NextConfig. */
const QWEN3_NEXT = {
  ...QWEN3_5,
  vocab_size: integer(151_936),
  hidden_size: integer(2048),
  intermediate_size: integer(5632),
  num_hidden_layers: integer(48),
  num_key_value_heads: integer(2),
  num_experts: natural(512),
  decoder_sparse_step: integer(1),
  mlp_only_layers: orNull(wholes)
}

const TYPES = ['linear_attention', 'full_attention'] as const
const ROPE = { ...STANDARD_ROPE, share: ['partial_rotary_factor', 0.25], nullIsWhole: true, partial: true } as const

/** One of so many layers sees all tokens, where config.json does not say which do. */
const FULL_INTERVAL = 4

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
  build: (settings) => ({
    ...hybrid(settings, 'qwen3_5_text', separateInputs),
    storedPrefixes: { [OWN]: [INSIDE] }
  })
})

/**
 * Qwen3-Next without experts: the same with other linears before the delta rule.
 *
 * Source: transformers modeling_qwen3_next.
 */
export const qwen3Next = defineFamily({
  modelTypes: ['qwen3_next'],
  settings(config) {
    const table = readSettings(config, QWEN3_NEXT)
    return derive(config, { ...table, mlp_only_layers: table.mlp_only_layers ?? [] })
  },
  check: checkDense,
  build(settings) {
    const model = hybrid(settings, 'qwen3_next', groupedInputs)
    return { ...model, unreached: linearsNamedAsExperts(model, settings.layers.keys()) }
  }
})

/** What follows from the keys that both have. */
function derive<S extends Settings<typeof QWEN3_5>>(config: ConfigReader, settings: S) {
  checkTaps(config, 'linear_conv_kernel_dim', settings.linear_conv_kernel_dim)
  const { linear_num_key_heads: keyHeads, linear_num_value_heads: valueHeads } = settings
  if (valueHeads % keyHeads !== 0) {
    const found = `linear_num_key_heads is ${keyHeads}`
    throw badInput(`${config.where}: ${found}, expected a divisor of linear_num_value_heads ${valueHeads}`)
  }
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

type HybridSettings = ReturnType<typeof derive<Settings<typeof QWEN3_5>>>

function hybrid(settings: HybridSettings, family: string, project: ProjectInputs): ModelArchitecture {
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
          : gatedDeltaNet(layer, n, settings, project)
      const middle = layer.graph.add(x, mixed)
      const fed = gatedMlp(layer, norm(layer, middle, 'post_attention_layernorm'), settings, { mlpBias: false })
      return layer.graph.add(middle, fed)
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

/** @throws {AppError} BAD_INPUT where a layer has experts */
function checkDense(settings: Settings<typeof QWEN3_NEXT>, where: string): void {
  const {
    num_hidden_layers: layers,
    num_experts: experts,
    decoder_sparse_step: step,
    mlp_only_layers: dense
  } = settings
  const sparse = (index: number) => experts > 0 && (index + 1) % step === 0 && dense?.includes(index) !== true
  const first = Array.from({ length: layers }, (_, index) => index).find(sparse)
  if (first === undefined) return
  const found = `layer ${first} has ${experts} experts (num_experts, decoder_sparse_step, mlp_only_layers)`
  throw badInput(`${where}: ${found}, qwen3_next is read without experts: num_experts 0`)
}
