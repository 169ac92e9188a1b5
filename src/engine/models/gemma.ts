import type { Value } from '../graph/graphBuilder'
import { type ActivationName, activate, activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { ConfigReader } from './configReader'
import { deriveHeads, dividedHidden } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { readLayerRopes } from './layerRopes'
import { type LayerAttention, layersByType, readLayerTypes, slidingBut } from './layerTypes'
import { offsetRmsNorm } from './norms'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, onlyCausal, orNull, positive, readSettings, type Settings, texts } from './settings'

/** Keys that the three generations share, with the defaults of transformers' GemmaConfig. */
const SHARED = {
  vocab_size: integer(256_000),
  head_dim: integer(256),
  max_position_embeddings: integer(8192),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(true),
  attention_bias: flag(false),
  use_bidirectional_attention: onlyCausal(null, false)
}

const GEMMA = {
  ...SHARED,
  hidden_size: integer(3072),
  intermediate_size: integer(24_576),
  num_hidden_layers: integer(28),
  num_attention_heads: integer(16),
  num_key_value_heads: integer(16),
  hidden_act: gemmaActivation()
}

/** Defaults of Gemma2Config. */
const GEMMA2 = {
  ...SHARED,
  hidden_size: integer(2304),
  intermediate_size: integer(9216),
  num_hidden_layers: integer(26),
  num_attention_heads: integer(8),
  num_key_value_heads: integer(4),
  hidden_activation: activation('gelu_pytorch_tanh'),
  query_pre_attn_scalar: positive(256),
  sliding_window: orNull(integer, 4096),
  layer_types: orNull(texts),
  final_logit_softcapping: orNull(positive, 30),
  attn_logit_softcapping: orNull(positive, 50)
}

const { use_bidirectional_attention: _, ...VAULT_GEMMA } = GEMMA2

/** Defaults of Gemma3TextConfig where they differ. */
const GEMMA3 = {
  ...GEMMA2,
  vocab_size: integer(262_208),
  max_position_embeddings: integer(131_072),
  final_logit_softcapping: orNull(positive),
  attn_logit_softcapping: orNull(positive),
  use_bidirectional_attention: onlyCausal(false, null)
}

/** Layers that slide where config.json does not list them: all but every n-th. */
const GEMMA2_PATTERN = 2
const GEMMA3_PATTERN = 6

/** Gemma 3 and 3n rotate sliding layers with a base of their own. */
export const GEMMA_ROPES = {
  full_attention: { key: 'rope_theta', theta: 1_000_000 },
  sliding_attention: { key: 'rope_local_base_freq', theta: 10_000 }
} as const

/** Embedding scaled by √hidden, norms with 1 + w, gated GELU. Source: transformers modeling_gemma. */
export const gemma = defineFamily({
  modelTypes: ['gemma'],
  settings: (config) => alikeLayers(config, readSettings(config, GEMMA)),
  build: (settings) =>
    gemmaLike(settings, { family: 'gemma', activation: settings.hidden_act, scale: settings.head_dim ** -0.5 })
})

/** Gemma with norms after each sublayer too, sliding windows on some layers, and soft caps. Source: modeling_gemma2. */
export const gemma2 = defineFamily({
  modelTypes: ['gemma2'],
  settings: (config) => readGemma2(config, readSettings(config, GEMMA2)),
  build: (settings) => gemmaLike(settings, { ...gemma2Options(settings), family: 'gemma2', outerNorms: true })
})

/**
 * VaultGemma: Gemma 2 without norms after the sublayers; that before the MLP has the name that Gemma 2 gives it.
 *
 * Source: modeling_vaultgemma.
 */
export const vaultGemma = defineFamily({
  modelTypes: ['vaultgemma'],
  settings(config) {
    const settings = readSettings(config, VAULT_GEMMA)
    dividedHidden(config, settings.hidden_size, settings.num_attention_heads)
    return readGemma2(config, settings)
  },
  build: (settings) =>
    gemmaLike(settings, { ...gemma2Options(settings), family: 'vaultgemma', mlpNorm: 'pre_feedforward_layernorm' })
})

function readGemma2<S extends Settings<typeof VAULT_GEMMA>>(config: ConfigReader, settings: S) {
  const heads = deriveHeads(config, settings)
  const layer_types = readLayerTypes(config, settings, slidingBut(GEMMA2_PATTERN))
  const { max_position_embeddings: limit, sliding_window } = settings
  const rope = readRope(config, STANDARD_ROPE, { headDim: heads.head_dim, limit, layerTypes: layer_types })
  const layers = layersByType(config, layer_types, sliding_window, rope, { alwaysMasked: true })
  return { ...settings, ...heads, layer_types, layers }
}

const gemma2Options = (settings: Settings<typeof VAULT_GEMMA>) => ({
  activation: settings.hidden_activation,
  scale: settings.query_pre_attn_scalar ** -0.5,
  attentionCap: settings.attn_logit_softcapping,
  logitCap: settings.final_logit_softcapping
})

/**
 * Gemma 2 with normed heads, and another rotary base on sliding layers; its attention has no soft cap, whatever
 * `attn_logit_softcapping` says. Source: modeling_gemma3.
 */
export const gemma3 = defineFamily({
  modelTypes: ['gemma3_text'],
  settings(config) {
    const settings = readSettings(config, GEMMA3)
    const heads = deriveHeads(config, settings)
    const pattern = config.given('sliding_window_pattern') ? config.integer('sliding_window_pattern') : GEMMA3_PATTERN
    const layer_types = readLayerTypes(config, settings, slidingBut(pattern))
    const { max_position_embeddings: limit, sliding_window } = settings
    const ropes = readLayerRopes(config, GEMMA_ROPES, { headDim: heads.head_dim, limit })
    return {
      ...settings,
      ...heads,
      layer_types,
      layers: layersByType(config, layer_types, sliding_window, ropes, { alwaysMasked: true })
    }
  },
  build: (settings) =>
    gemmaLike(settings, {
      family: 'gemma3_text',
      activation: settings.hidden_activation,
      scale: settings.query_pre_attn_scalar ** -0.5,
      outerNorms: true,
      headNorms: true,
      logitCap: settings.final_logit_softcapping
    })
})

/** What the generations read from their configs alike. */
interface GemmaSettings {
  readonly vocab_size: number
  readonly hidden_size: number
  readonly intermediate_size: number
  readonly num_attention_heads: number
  readonly num_key_value_heads: number
  readonly head_dim: number
  readonly max_position_embeddings: number
  readonly rms_norm_eps: number
  readonly tie_word_embeddings: boolean
  readonly attention_bias: boolean
  readonly layers: readonly LayerAttention[]
}

/** Where they differ. */
interface GemmaOptions {
  readonly family: string
  readonly activation: ActivationName
  /** Factor of the scores. */
  readonly scale: number
  /** Norms after each sublayer too. */
  readonly outerNorms?: boolean
  /** Name of the norm before the MLP where none stand after sublayers; `post_attention_layernorm` when left out. */
  readonly mlpNorm?: string
  /** RMS norm of each head of q and k, before the rotation. */
  readonly headNorms?: boolean
  readonly attentionCap?: number | null
  readonly logitCap?: number | null
}

function gemmaLike(settings: GemmaSettings, options: GemmaOptions): ModelArchitecture {
  const { hidden_size: hiddenSize, intermediate_size: intermediate, head_dim: headDim, layers } = settings
  const { num_attention_heads: heads, num_key_value_heads: keyValueHeads, rms_norm_eps: epsilon } = settings
  const { activation, scale, outerNorms = false, headNorms = false, attentionCap } = options
  const { mlpNorm = 'post_attention_layernorm' } = options
  const bias = settings.attention_bias
  const embedding = 'model.embed_tokens.weight'

  const norm = (layer: LayerBuilder, x: Value, name: string, size = hiddenSize) =>
    offsetRmsNorm(layer, x, name, size, epsilon)
  const headNorm = (layer: LayerBuilder, x: Value, name: string, count: number): Value => {
    if (!headNorms) return x
    const perHead = layer.graph.reshape(x, [-1, count, headDim])
    return layer.graph.reshape(norm(layer, perHead, `self_attn.${name}`, headDim), [-1, count * headDim])
  }
  const attention = (layer: LayerBuilder, n: Value, index: number): Value => {
    const project = (name: string, count: number) =>
      layer.linear(`self_attn.${name}`, n, { in: hiddenSize, out: count * headDim, bias })
    const [q, k, v] = [project('q_proj', heads), project('k_proj', keyValueHeads), project('v_proj', keyValueHeads)]
    const qkv = { q: headNorm(layer, q, 'q_norm', heads), k: headNorm(layer, k, 'k_norm', keyValueHeads), v }
    const shape = { heads, keyValueHeads, headDim, scale, softcap: attentionCap, ...layers[index] }
    const attended = causalAttention(layer, qkv, shape)
    return layer.linear('self_attn.o_proj', attended, { in: heads * headDim, out: hiddenSize, bias })
  }
  const mlp = (layer: LayerBuilder, n: Value): Value => {
    const gate = layer.linear('mlp.gate_proj', n, { in: hiddenSize, out: intermediate, bias: false })
    const up = layer.linear('mlp.up_proj', n, { in: hiddenSize, out: intermediate, bias: false })
    const gated = layer.graph.mul(activate(layer.graph, activation, gate), up)
    return layer.linear('mlp.down_proj', gated, { in: intermediate, out: hiddenSize, bias: false })
  }

  return {
    family: options.family,
    hiddenSize,
    embeddingSize: hiddenSize,
    vocabularySize: settings.vocab_size,
    contextLimit: settings.max_position_embeddings,
    blocks: layers.length,
    basePrefix: 'model.',
    embedding,
    head: 'lm_head.weight',
    tiedHead: settings.tie_word_embeddings,
    logitSoftcap: options.logitCap ?? undefined,
    blockPath: (index) => `model.layers.${index}`,
    buildEmbedding: ({ graph }, x) => graph.mul(x, graph.scalar(Math.sqrt(hiddenSize))),
    buildBlock(layer, x, index) {
      const { graph } = layer
      const attended = attention(layer, norm(layer, x, 'input_layernorm'), index)
      if (!outerNorms) {
        const middle = graph.add(x, attended)
        return graph.add(middle, mlp(layer, norm(layer, middle, mlpNorm)))
      }
      const middle = graph.add(x, norm(layer, attended, 'post_attention_layernorm'))
      const fed = mlp(layer, norm(layer, middle, 'pre_feedforward_layernorm'))
      return graph.add(middle, norm(layer, fed, 'post_feedforward_layernorm'))
    },
    buildFinalNorm: (layer, x) => norm(layer, x, 'model.norm')
  }
}

/** Gemma 1's configs say `gelu` where its tanh approximation is meant. */
function gemmaActivation() {
  const setting = activation('gelu_pytorch_tanh')
  const read: typeof setting.read = (config, key) => {
    const name = setting.read(config, key)
    return name === 'gelu' ? 'gelu_pytorch_tanh' : name
  }
  return { ...setting, read }
}
