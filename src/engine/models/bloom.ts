import { readActivation } from './activations'
import type { Family, ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { ConfigReader } from './configReader'
import { splitInterleaved } from './fusedProjections'
import { layerNorm } from './norms'

/**
 * BLOOM: a layer norm on the embedding, ALiBi instead of positions, fused query_key_value interleaved by head.
 *
 * Source: transformers modeling_bloom. `pretraining_tp` and `slow_but_exact` only changed how products
 * were split.
 */
export const bloom: Family = { modelTypes: ['bloom'], read: readBloom }

/** ALiBi has no last position; rows longer than this would still work, but the model was trained on no more. */
const TRAINED_CONTEXT = 2048

function readBloom(config: ConfigReader): ModelArchitecture {
  const hiddenSize = config.integer(config.has('hidden_size') ? 'hidden_size' : 'n_embed')
  const heads = config.integer(config.has('n_head') ? 'n_head' : 'num_attention_heads')
  if (hiddenSize % heads !== 0) throw config.complaint('n_head', `a divisor of hidden_size ${hiddenSize}`)
  const headDim = hiddenSize / heads
  const epsilon = config.number('layer_norm_epsilon', 1e-5)
  const activate = readActivation(config, 'hidden_act', 'gelu_new')
  const residualFromNorm = config.boolean('apply_residual_connection_post_layernorm', false)
  const alibiSlopes = slopesOf(heads)
  const embedding = 'transformer.word_embeddings.weight'
  return {
    family: 'bloom',
    hiddenSize,
    embeddingSize: hiddenSize,
    vocabularySize: config.integer('vocab_size'),
    contextLimit: config.integer('seq_length', TRAINED_CONTEXT),
    blocks: config.integer(config.has('n_layer') ? 'n_layer' : 'num_hidden_layers'),
    basePrefix: 'transformer.',
    embedding,
    head: config.boolean('tie_word_embeddings', true) ? embedding : 'lm_head.weight',
    blockPath: (index) => `transformer.h.${index}`,
    buildEmbedding: (layer, x) => layerNorm(layer, x, 'transformer.word_embeddings_layernorm', hiddenSize, epsilon),
    buildBlock(layer, x) {
      const { graph } = layer
      const linear = (name: string, value: typeof x, width: number, out: number) =>
        layer.linear(name, value, { in: width, out, bias: true })
      const n = layerNorm(layer, x, 'input_layernorm', hiddenSize, epsilon)
      const qkv = splitInterleaved(
        graph,
        linear('self_attention.query_key_value', n, hiddenSize, 3 * hiddenSize),
        heads,
        headDim
      )
      const attended = causalAttention(layer, qkv, { heads, keyValueHeads: heads, headDim, alibiSlopes })
      const dense = linear('self_attention.dense', attended, hiddenSize, hiddenSize)
      const middle = graph.add(residualFromNorm ? n : x, dense)
      const m = layerNorm(layer, middle, 'post_attention_layernorm', hiddenSize, epsilon)
      const wide = activate(graph, linear('mlp.dense_h_to_4h', m, hiddenSize, 4 * hiddenSize))
      return graph.add(residualFromNorm ? m : middle, linear('mlp.dense_4h_to_h', wide, 4 * hiddenSize, hiddenSize))
    },
    buildFinalNorm: (layer, x) => layerNorm(layer, x, 'transformer.ln_f', hiddenSize, epsilon)
  }
}

/**
 * ALiBi's slope of each head: for a power of two p the powers 1 … p of 2^(−8/p); head counts beyond the largest power of two
 * below them take the odd powers of 2^(−4/p).
 */
function slopesOf(heads: number): number[] {
  const power = 2 ** Math.floor(Math.log2(heads))
  const base = 2 ** -(2 ** -(Math.log2(power) - 3))
  const extra = 2 ** -(2 ** -(Math.log2(2 * power) - 3))
  return Array.from({ length: heads }, (_, i) => (i < power ? base ** (i + 1) : extra ** (2 * (i - power) + 1)))
}
