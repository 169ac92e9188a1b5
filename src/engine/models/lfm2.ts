import type { Value } from '../graph/graphBuilder'
import { defineFamily, type ModelArchitecture } from './architecture'
import { causalConvolution, checkTaps } from './causalConvolution'
import type { ConfigReader } from './configReader'
import { type DecoderSettings, decoder } from './decoder'
import { deriveHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { readLayerTypes } from './layerTypes'
import { type GatedMlpOptions, gatedMlp } from './mlp'
import { rmsNorm } from './norms'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { type SelfAttentionOptions, selfAttention } from './selfAttention'
import { flag, integer, number, orNull, readSettings, type Settings, texts, wholes } from './settings'

/** Defaults of transformers' Lfm2Config. */
const TABLE = {
  vocab_size: integer(65_536),
  hidden_size: integer(2560),
  intermediate_size: integer(12_288),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(8),
  head_dim: orNull(integer),
  max_position_embeddings: integer(128_000),
  norm_eps: number(1e-5),
  tie_word_embeddings: flag(true),
  conv_bias: flag(false),
  conv_L_cache: integer(3),
  block_multiple_of: integer(256),
  block_ffn_dim_multiplier: number(1),
  block_auto_adjust_ff_dim: flag(true),
  full_attn_idxs: orNull(wholes),
  layer_types: orNull(texts)
}

const OLD_NAMES = { tie_embedding: 'tie_word_embeddings', block_ff_dim: 'intermediate_size' }
export const LFM2_TYPES = ['full_attention', 'conv'] as const
const ROPE = { ...STANDARD_ROPE, theta: ['rope_theta', 1_000_000] } as const
export const LFM2_MLP: GatedMlpOptions = { module: 'feed_forward', names: ['w1', 'w3', 'w2'], mlpBias: false }
const ATTENTION = {
  inputBias: false,
  outputBias: false,
  output: 'out_proj',
  queryKeyNorm: { over: 'head', names: ['q_layernorm', 'k_layernorm'] }
} as const

/**
 * LFM2: short gated convolutions in the place of attention on most layers, normed heads on the others.
 *
 *     x += out(C · conv(B · y)), (B, C, y) = in(norm₁(x));   x += w₂(silu(w₁(n)) · w₃(n)), n = norm₂(x)
 *
 * Source: transformers modeling_lfm2.
 */
export const lfm2 = defineFamily({ modelTypes: ['lfm2'], settings: readLfm2, build: buildLfm2 })

function readLfm2(config: ConfigReader) {
  const settings = readSettings(config, TABLE, OLD_NAMES)
  const width = feedForwardWidth(settings)
  if (!Number.isSafeInteger(width) || width < 1) {
    throw config.complaint('block_ffn_dim_multiplier', `one with which the MLP has a width, not ${width}`)
  }
  const { num_hidden_layers: count, full_attn_idxs: attending } = settings
  const typeOf = (index: number) => (attending?.includes(index) === false ? 'conv' : 'full_attention')
  const layer_types = readLayerTypes(config, settings, typeOf, LFM2_TYPES)
  const all = Array.from({ length: count }, (_, index) => index)
  const full_attn_idxs = settings.layer_types === null ? (attending ?? all) : attending
  return { ...deriveLfm2(config, settings, layer_types), full_attn_idxs }
}

function buildLfm2(settings: ReturnType<typeof readLfm2>): ModelArchitecture {
  const mlp = { ...settings, hidden_act: 'silu', intermediate_size: feedForwardWidth(settings) } as const
  return lfm2Like(settings, { family: 'lfm2', feedForward: (layer, n) => gatedMlp(layer, n, mlp, LFM2_MLP) })
}

interface Lfm2Keys extends DecoderSettings {
  readonly num_attention_heads: number
  readonly num_key_value_heads: number | null
  readonly head_dim: number | null
  readonly conv_bias: boolean
  readonly conv_L_cache: number
  readonly norm_eps: number
}

/** The settings with what follows from the types of layers: heads, and which of them rotate. */
export function deriveLfm2<S extends Omit<Lfm2Keys, 'layers'>>(
  config: ConfigReader,
  settings: S,
  layer_types: (typeof LFM2_TYPES)[number][]
) {
  checkTaps(config, 'conv_L_cache', settings.conv_L_cache)
  const heads = deriveHeads(config, settings)
  const { max_position_embeddings: limit } = settings
  const rope = readRope(config, ROPE, { headDim: heads.head_dim, limit, layerTypes: layer_types })
  const layers = layer_types.map((type) => ({ window: null, rope: type === 'conv' ? null : rope }))
  return { ...settings, ...heads, layer_types, layers }
}

interface Lfm2Settings extends Lfm2Keys {
  readonly num_key_value_heads: number
  readonly head_dim: number
  readonly layer_types: readonly string[]
}

interface Lfm2Options {
  readonly family: string
  /** What follows the second norm; undefined where experts behind the block are all of it. */
  readonly feedForward: (layer: LayerBuilder, n: Value, index: number) => Value | undefined
  readonly attention?: SelfAttentionOptions
  /** Names of further norms, of what convolution or attention and what the MLP adds. */
  readonly outerNorms?: readonly [mixed: string, fed: string]
}

export function lfm2Like(settings: Lfm2Settings, options: Lfm2Options): ModelArchitecture {
  const { hidden_size: hiddenSize, norm_eps: epsilon } = settings
  const { family, feedForward, attention = ATTENTION, outerNorms: [afterMixed, afterFed] = [] } = options
  const norm = (layer: LayerBuilder, x: Value, name: string) => rmsNorm(layer, x, name, hiddenSize, epsilon)
  const outer = (layer: LayerBuilder, x: Value, name?: string) => (name === undefined ? x : norm(layer, x, name))
  return decoder(settings, {
    family,
    buildBlock(layer, x, index) {
      const n = norm(layer, x, 'operator_norm')
      const mixed =
        settings.layer_types[index] === 'conv'
          ? shortConvolution(layer, n, settings)
          : selfAttention(layer, n, index, { ...settings, rms_norm_eps: epsilon }, attention)
      const middle = layer.graph.add(x, outer(layer, mixed, afterMixed))
      const fed = feedForward(layer, norm(layer, middle, 'ffn_norm'), index)
      return fed === undefined ? middle : layer.graph.add(middle, outer(layer, fed, afterFed))
    },
    buildFinalNorm: (layer, x) => norm(layer, x, 'model.embedding_norm')
  })
}

function shortConvolution(layer: LayerBuilder, n: Value, settings: Lfm2Settings): Value {
  const { hidden_size: hiddenSize, conv_bias: bias, conv_L_cache: taps } = settings
  const { graph, context } = layer
  const fused = layer.linear('conv.in_proj', n, { in: hiddenSize, out: 3 * hiddenSize, bias })
  const [before, after, y] = graph.split(fused, 1, [hiddenSize, hiddenSize, hiddenSize]) as [Value, Value, Value]
  const rows = graph.reshape(graph.mul(before, y), [-1, context, hiddenSize])
  const convolved = causalConvolution(layer, rows, 'conv.conv', { channels: hiddenSize, taps, bias })
  const gated = graph.mul(after, graph.reshape(convolved, [-1, hiddenSize]))
  return layer.linear('conv.out_proj', gated, { in: hiddenSize, out: hiddenSize, bias })
}

/** Two thirds of `intermediate_size`, times a factor, up to the next multiple, unless the config says that it is final. */
function feedForwardWidth(settings: Settings<typeof TABLE>): number {
  const { intermediate_size: given, block_multiple_of: multiple, block_ffn_dim_multiplier: factor } = settings
  if (!settings.block_auto_adjust_ff_dim) return given
  return multiple * Math.ceil(Math.trunc(factor * Math.trunc((2 * given) / 3)) / multiple)
}
