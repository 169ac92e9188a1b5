import type { Value } from '../graph/graphBuilder'
import { geluTanh, readActivation } from './activations'
import type { Family, ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { ConfigReader } from './configReader'
import type { LayerBuilder } from './layerBuilder'
import { offsetRmsNorm } from './norms'
import { type Rope, readRope } from './rope'

/**
 * Gemma 1, 2 and 3 (text): embedding scaled by √hidden, norms with 1 + w, GELU; from Gemma 2 on also norms after each
 * sublayer, sliding windows on some layers and soft caps; in Gemma 3 normed heads and another rotary base on sliding layers.
 *
 * Source: transformers modeling_gemma, modeling_gemma2, modeling_gemma3.
 */
export const gemma: Family = { modelTypes: ['gemma', 'gemma2', 'gemma3_text'], read: readGemma }

/** Layers with a sliding window when config.json does not list them: all but every n-th. */
const SLIDING_PATTERN = { gemma: 1, gemma2: 2, gemma3_text: 6 } as const

type Generation = keyof typeof SLIDING_PATTERN

function readGemma(config: ConfigReader): ModelArchitecture {
  const generation = config.string('model_type') as Generation
  const first = generation === 'gemma'
  const hiddenSize = config.integer('hidden_size')
  const intermediate = config.integer('intermediate_size')
  const heads = config.integer('num_attention_heads')
  const keyValueHeads = config.integer('num_key_value_heads', heads)
  const headDim = config.integer('head_dim', first ? Math.floor(hiddenSize / heads) : 256)
  const epsilon = config.number('rms_norm_eps', 1e-6)
  const activate = readGemmaActivation(config, first)
  const bias = config.boolean('attention_bias', false)
  const blocks = config.integer('num_hidden_layers')
  const sliding = slidingLayers(config, generation, blocks)
  const ropes = readRopes(config, generation, headDim)
  const scale = 1 / Math.sqrt(first ? headDim : config.number('query_pre_attn_scalar', 256))
  const cap = (key: string): number | undefined => (config.has(key) ? config.number(key) : undefined)
  const softcap = cap('attn_logit_softcapping')
  const embedding = 'model.embed_tokens.weight'

  const norm = (layer: LayerBuilder, x: Value, name: string, size = hiddenSize) =>
    offsetRmsNorm(layer, x, name, size, epsilon)
  const headNorm = (layer: LayerBuilder, x: Value, name: string, count: number): Value => {
    if (generation !== 'gemma3_text') return x
    const perHead = layer.graph.reshape(x, [-1, count, headDim])
    return layer.graph.reshape(norm(layer, perHead, `self_attn.${name}`, headDim), [-1, count * headDim])
  }
  const attention = (layer: LayerBuilder, n: Value, index: number): Value => {
    const project = (name: string, count: number) =>
      layer.linear(`self_attn.${name}`, n, { in: hiddenSize, out: count * headDim, bias })
    const [q, k, v] = [project('q_proj', heads), project('k_proj', keyValueHeads), project('v_proj', keyValueHeads)]
    const qkv = { q: headNorm(layer, q, 'q_norm', heads), k: headNorm(layer, k, 'k_norm', keyValueHeads), v }
    const slides = sliding[index] === true
    const rope = slides ? ropes.sliding : ropes.full
    const slidingWindow = slides ? config.integer('sliding_window', 4096) : undefined
    const attended = causalAttention(layer, qkv, { heads, keyValueHeads, headDim, rope, scale, softcap, slidingWindow })
    return layer.linear('self_attn.o_proj', attended, { in: heads * headDim, out: hiddenSize, bias })
  }
  const mlp = (layer: LayerBuilder, n: Value): Value => {
    const gate = layer.linear('mlp.gate_proj', n, { in: hiddenSize, out: intermediate, bias: false })
    const up = layer.linear('mlp.up_proj', n, { in: hiddenSize, out: intermediate, bias: false })
    const gated = layer.graph.mul(activate(layer.graph, gate), up)
    return layer.linear('mlp.down_proj', gated, { in: intermediate, out: hiddenSize, bias: false })
  }

  return {
    family: generation,
    hiddenSize,
    embeddingSize: hiddenSize,
    vocabularySize: config.integer('vocab_size'),
    contextLimit: config.integer('max_position_embeddings'),
    blocks,
    basePrefix: 'model.',
    embedding,
    head: config.boolean('tie_word_embeddings', true) ? embedding : 'lm_head.weight',
    logitSoftcap: cap('final_logit_softcapping'),
    blockPath: (index) => `model.layers.${index}`,
    buildEmbedding: ({ graph }, x) => graph.mul(x, graph.scalar(Math.sqrt(hiddenSize))),
    buildBlock(layer, x, index) {
      const { graph } = layer
      const attended = attention(layer, norm(layer, x, 'input_layernorm'), index)
      if (first) {
        const middle = graph.add(x, attended)
        return graph.add(middle, mlp(layer, norm(layer, middle, 'post_attention_layernorm')))
      }
      const middle = graph.add(x, norm(layer, attended, 'post_attention_layernorm'))
      const fed = mlp(layer, norm(layer, middle, 'pre_feedforward_layernorm'))
      return graph.add(middle, norm(layer, fed, 'post_feedforward_layernorm'))
    },
    buildFinalNorm: (layer, x) => norm(layer, x, 'model.norm')
  }
}

/** Gemma 1's configs say `gelu` where its tanh approximation is meant; later ones name it. */
function readGemmaActivation(config: ConfigReader, first: boolean) {
  const key = config.has('hidden_activation') ? 'hidden_activation' : 'hidden_act'
  const legacy = first && key === 'hidden_act' && config.string(key, 'gelu') === 'gelu'
  return legacy ? geluTanh : readActivation(config, key, 'gelu_pytorch_tanh')
}

function slidingLayers(config: ConfigReader, generation: Generation, blocks: number): boolean[] {
  const types = config.strings('layer_types')
  if (types !== undefined) {
    const known = types.length === blocks && types.every((type) => /^(sliding|full)_attention$/.test(type))
    if (!known) throw config.complaint('layer_types', `${blocks} times sliding_attention or full_attention`)
    return types.map((type) => type === 'sliding_attention')
  }
  const pattern = config.integer('sliding_window_pattern', SLIDING_PATTERN[generation])
  return Array.from({ length: blocks }, (_, i) => (i + 1) % pattern !== 0)
}

/** Gemma 3 rotates sliding layers with a base of their own; transformers 5 keeps both under the layers' type. */
function readRopes(config: ConfigReader, generation: Generation, headDim: number): { full: Rope; sliding: Rope } {
  const keys = { theta: 'rope_theta', partial: 'partial_rotary_factor' }
  if (generation !== 'gemma3_text') {
    const rope = readRope(config, headDim, keys)
    return { full: rope, sliding: rope }
  }
  const perType = config.object('rope_parameters')
  if (perType.has('full_attention')) {
    const read = (type: string) => readRope(config, headDim, keys, perType.object(type))
    return { full: read('full_attention'), sliding: read('sliding_attention') }
  }
  const local = { ...keys, theta: 'rope_local_base_freq' }
  return { full: readRope(config, headDim, keys), sliding: readRope(config, headDim, local, config.object('none')) }
}
