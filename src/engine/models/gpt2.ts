import type { Value } from '../graph/graphBuilder'
import { activate, activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { ConfigReader } from './configReader'
import { GPT_ALIASES, gptDecoder } from './gptDecoder'
import { equalHeads } from './heads'
import { addPositions } from './learnedPositions'
import { layerNorm } from './norms'
import { flag, integer, number, only, orNull, readSettings } from './settings'

/** Defaults of transformers' GPT2Config. */
const TABLE = {
  vocab_size: integer(50_257),
  n_positions: integer(1024),
  n_embd: integer(768),
  n_layer: integer(12),
  n_head: integer(12),
  n_inner: orNull(integer),
  activation_function: activation('gelu_new'),
  layer_norm_epsilon: number(1e-5),
  scale_attn_weights: flag(true),
  scale_attn_by_inverse_layer_idx: flag(false),
  add_cross_attention: only(false),
  tie_word_embeddings: flag(true)
}

/**
 * GPT-2: learned positions, layer norms before each sublayer, linears stored as [in, out] (Conv1D), fused q, k, v.
 *
 * Source: transformers modeling_gpt2. `reorder_and_upcast_attn` changes only how half precision rounds.
 */
export const gpt2 = defineFamily({ modelTypes: ['gpt2'], settings: readGpt2, build: buildGpt2 })

function readGpt2(config: ConfigReader) {
  const settings = readSettings(config, TABLE, GPT_ALIASES)
  return { ...settings, head_dim: equalHeads(config, settings.n_embd, settings.n_head) }
}

function buildGpt2(settings: ReturnType<typeof readGpt2>): ModelArchitecture {
  const { n_embd: hiddenSize, n_head: heads, n_positions: contextLimit, layer_norm_epsilon: epsilon } = settings
  const headDim = settings.head_dim
  const inner = settings.n_inner ?? 4 * hiddenSize
  const scaled = settings.scale_attn_weights ? 1 / Math.sqrt(headDim) : 1
  const byLayer = settings.scale_attn_by_inverse_layer_idx
  return gptDecoder(settings, {
    family: 'gpt2',
    buildEmbedding: (layer, embedded) =>
      addPositions(layer, embedded, { name: 'transformer.wpe.weight', limit: contextLimit, size: hiddenSize }),
    buildBlock(layer, x, index) {
      const { graph } = layer
      const linear = (name: string, value: Value, width: number, out: number) =>
        layer.linear(name, value, { in: width, out, bias: true, transposed: true })
      const n = layerNorm(layer, x, 'ln_1', hiddenSize, epsilon)
      const fused = linear('attn.c_attn', n, hiddenSize, 3 * hiddenSize)
      const [q, k, v] = graph.split(fused, 1, [hiddenSize, hiddenSize, hiddenSize]) as [Value, Value, Value]
      const scale = byLayer ? scaled / (index + 1) : scaled
      const attended = causalAttention(layer, { q, k, v }, { heads, keyValueHeads: heads, headDim, scale })
      const middle = graph.add(x, linear('attn.c_proj', attended, hiddenSize, hiddenSize))
      const m = layerNorm(layer, middle, 'ln_2', hiddenSize, epsilon)
      const wide = activate(graph, settings.activation_function, linear('mlp.c_fc', m, hiddenSize, inner))
      return graph.add(middle, linear('mlp.c_proj', wide, inner, hiddenSize))
    },
    buildFinalNorm: (layer, x) => layerNorm(layer, x, 'transformer.ln_f', hiddenSize, epsilon)
  })
}
