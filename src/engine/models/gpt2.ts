import type { Value } from '../graph/graphBuilder'
import { readActivation } from './activations'
import type { Family, ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { ConfigReader } from './configReader'
import { layerNorm } from './norms'

/**
 * GPT-2: learned positions, layer norms before each sublayer, linears stored as [in, out] (Conv1D), fused q, k, v.
 *
 * Source: transformers modeling_gpt2. `reorder_and_upcast_attn` changes only how half precision rounds.
 */
export const gpt2: Family = { modelTypes: ['gpt2'], read: readGpt2 }

function readGpt2(config: ConfigReader): ModelArchitecture {
  const hiddenSize = config.integer('n_embd')
  const heads = config.integer('n_head')
  if (hiddenSize % heads !== 0) throw config.complaint('n_head', `a divisor of n_embd ${hiddenSize}`)
  if (config.boolean('add_cross_attention', false)) throw config.complaint('add_cross_attention', 'false')
  const headDim = hiddenSize / heads
  const inner = config.integer('n_inner', 4 * hiddenSize)
  const contextLimit = config.integer('n_positions', 1024)
  const epsilon = config.number('layer_norm_epsilon', 1e-5)
  const activate = readActivation(config, 'activation_function', 'gelu_new')
  const scaled = config.boolean('scale_attn_weights', true) ? 1 / Math.sqrt(headDim) : 1
  const byLayer = config.boolean('scale_attn_by_inverse_layer_idx', false)
  const embedding = 'transformer.wte.weight'
  return {
    family: 'gpt2',
    hiddenSize,
    embeddingSize: hiddenSize,
    vocabularySize: config.integer('vocab_size'),
    contextLimit,
    blocks: config.integer('n_layer'),
    basePrefix: 'transformer.',
    embedding,
    head: config.boolean('tie_word_embeddings', true) ? embedding : 'lm_head.weight',
    blockPath: (index) => `transformer.h.${index}`,
    buildEmbedding(layer, embedded) {
      const { graph, context } = layer
      const table = layer.parameter('transformer.wpe.weight', [contextLimit, hiddenSize])
      const rows = graph.reshape(embedded, [-1, context, hiddenSize])
      return graph.reshape(graph.add(rows, graph.slice(table, 0, 0, context)), [-1, hiddenSize])
    },
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
      const wide = activate(graph, linear('mlp.c_fc', m, hiddenSize, inner))
      return graph.add(middle, linear('mlp.c_proj', wide, inner, hiddenSize))
    },
    buildFinalNorm: (layer, x) => layerNorm(layer, x, 'transformer.ln_f', hiddenSize, epsilon)
  }
}
