import type { Value } from '../graph/graphBuilder'
import { type ActivationName, activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { type DecoderSettings, decoder } from './decoder'
import { deriveHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { equalLayers, layersByType, readLayerTypes } from './layerTypes'
import { gatedMlp } from './mlp'
import { headLayerNorm, plainLayerNorm } from './norms'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { type AttentionSettings, projectedAttention } from './selfAttention'
import { flag, integer, number, orNull, readSettings, texts } from './settings'

/** Defaults of transformers' CohereConfig. */
export const COHERE = {
  vocab_size: integer(256_000),
  hidden_size: integer(8192),
  intermediate_size: integer(22_528),
  logit_scale: number(0.0625),
  num_hidden_layers: integer(40),
  num_attention_heads: integer(64),
  num_key_value_heads: orNull(integer),
  head_dim: orNull(integer),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(8192),
  layer_norm_eps: number(1e-5),
  tie_word_embeddings: flag(true),
  attention_bias: flag(false)
}

const WITH_NORMS = { ...COHERE, use_qk_norm: orNull(flag, false) }

/** Defaults of Cohere2Config where they differ. */
const COHERE2 = { ...COHERE, sliding_window: orNull(integer, 4096), layer_types: orNull(texts) }

/** Layers that slide where config.json does not list them: all but every n-th. */
const SLIDING_PATTERN = 4

/**
 * Command R: attention and MLP side by side after one layer norm without bias, neighbouring dimensions rotate as pairs,
 * logits are multiplied by `logit_scale`; heads of q and k may be normed, each with weights of its own.
 *
 *     x += o(attention(q(n), k(n), v(n))) + down(act(gate(n)) · up(n)), n = norm(x)
 *
 * Source: transformers modeling_cohere.
 */
export const cohere = defineFamily({
  modelTypes: ['cohere'],
  settings(config) {
    const settings = readSettings(config, WITH_NORMS)
    const heads = deriveHeads(config, settings)
    const { max_position_embeddings: limit, num_hidden_layers: count } = settings
    const form = { ...STANDARD_ROPE, theta: ['rope_theta', 500_000] } as const
    const rope = readRope(config, form, { headDim: heads.head_dim, limit })
    return { ...settings, ...heads, layers: equalLayers(config, count, null, rope) }
  },
  build: (settings) => cohereLike(settings, { family: 'cohere', headNorms: settings.use_qk_norm === true })
})

/** The same with windows on most layers; those that see everything do not rotate. Source: modeling_cohere2. */
export const cohere2 = defineFamily({
  modelTypes: ['cohere2'],
  settings: readCohere2,
  build: (settings) => cohereLike(settings, { family: 'cohere2' })
})

function readCohere2(config: ConfigReader) {
  const settings = readSettings(config, COHERE2)
  const heads = deriveHeads(config, settings)
  const pattern = config.given('sliding_window_pattern') ? config.integer('sliding_window_pattern') : SLIDING_PATTERN
  const layer_types = readLayerTypes(config, settings, (index) =>
    (index + 1) % pattern === 0 ? 'full_attention' : 'sliding_attention'
  )
  const { max_position_embeddings: limit, sliding_window } = settings
  const rope = readRope(config, STANDARD_ROPE, { headDim: heads.head_dim, limit, layerTypes: layer_types })
  const layers = layersByType(config, layer_types, sliding_window, rope, { alwaysMasked: true }).map((layer) =>
    layer.window === null ? { ...layer, rope: null } : layer
  )
  return { ...settings, ...heads, layer_types, layers }
}

interface CohereSettings extends DecoderSettings, AttentionSettings {
  readonly intermediate_size: number
  readonly hidden_act: ActivationName
  readonly layer_norm_eps: number
  readonly attention_bias: boolean
  readonly logit_scale: number
}

interface CohereOptions {
  readonly family: string
  readonly headNorms?: boolean
  /** In the place of layer norms without bias. */
  readonly norm?: (layer: LayerBuilder, x: Value, name: string) => Value
  /** In the place of the MLP; undefined where experts behind the block are all of it. */
  readonly feedForward?: (layer: LayerBuilder, n: Value, index: number) => Value | undefined
}

export function cohereLike(settings: CohereSettings, own: CohereOptions): ModelArchitecture {
  const { hidden_size: hiddenSize, layer_norm_eps: epsilon, attention_bias: bias, head_dim: size } = settings
  const layerNorm = (layer: LayerBuilder, x: Value, name: string) => plainLayerNorm(layer, x, name, hiddenSize, epsilon)
  const mlp = (layer: LayerBuilder, n: Value) => gatedMlp(layer, n, settings, { mlpBias: false })
  const { norm = layerNorm, feedForward = mlp } = own
  const headNorm = (layer: LayerBuilder, name: string, count: number) => (x: Value) =>
    headLayerNorm(layer, x, layer.parameter(`self_attn.${name}.weight`, [count, size]), { count, size }, epsilon)
  const headNorms = (layer: LayerBuilder) => ({
    q: headNorm(layer, 'q_norm', settings.num_attention_heads),
    k: headNorm(layer, 'k_norm', settings.num_key_value_heads)
  })
  return decoder(settings, {
    family: own.family,
    buildBlock(layer, x, index) {
      const { graph } = layer
      const n = norm(layer, x, 'input_layernorm')
      const attended = projectedAttention(layer, n, index, settings, {
        inputBias: bias,
        outputBias: bias,
        interleaved: true,
        headNorms: own.headNorms ? headNorms(layer) : undefined
      })
      const middle = graph.add(x, attended)
      const fed = feedForward(layer, n, index)
      return fed === undefined ? middle : graph.add(middle, fed)
    },
    // The head is linear: its factor may as well be one of what it gets.
    buildFinalNorm: (layer, x) =>
      layer.graph.mul(norm(layer, x, 'model.norm'), layer.graph.scalar(settings.logit_scale))
  })
}
