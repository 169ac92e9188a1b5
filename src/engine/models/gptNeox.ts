import { readActivation } from './activations'
import type { Family, ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { ConfigReader } from './configReader'
import { splitInterleaved } from './fusedProjections'
import { layerNorm } from './norms'
import { readRope } from './rope'

/**
 * GPT-NeoX and Pythia: fused query_key_value interleaved by head, partial rotary positions, layer norms with bias.
 *
 *     parallel:   x += dense(attention(norm₁(x))) + mlp(norm₂(x));   sequential: as LLaMA
 *
 * Source: transformers modeling_gpt_neox.
 */
export const gptNeox: Family = { modelTypes: ['gpt_neox'], read: readGptNeox }

function readGptNeox(config: ConfigReader): ModelArchitecture {
  const hiddenSize = config.integer('hidden_size')
  const intermediate = config.integer('intermediate_size')
  const heads = config.integer('num_attention_heads')
  if (hiddenSize % heads !== 0) throw config.complaint('num_attention_heads', `a divisor of hidden_size ${hiddenSize}`)
  const headDim = hiddenSize / heads
  const epsilon = config.number('layer_norm_eps', 1e-5)
  const activate = readActivation(config, 'hidden_act', 'gelu')
  const rope = readRope(config, headDim, { theta: 'rotary_emb_base', partial: 'rotary_pct', partialDefault: 0.25 })
  const attentionBias = config.boolean('attention_bias', true)
  const parallel = config.boolean('use_parallel_residual', true)
  return {
    family: 'gpt_neox',
    hiddenSize,
    embeddingSize: hiddenSize,
    vocabularySize: config.integer('vocab_size'),
    contextLimit: config.integer('max_position_embeddings', 2048),
    blocks: config.integer('num_hidden_layers'),
    basePrefix: 'gpt_neox.',
    embedding: 'gpt_neox.embed_in.weight',
    head: config.boolean('tie_word_embeddings', false) ? 'gpt_neox.embed_in.weight' : 'embed_out.weight',
    blockPath: (index) => `gpt_neox.layers.${index}`,
    buildBlock(layer, x) {
      const { graph } = layer
      const n = layerNorm(layer, x, 'input_layernorm', hiddenSize, epsilon)
      const fused = layer.linear('attention.query_key_value', n, {
        in: hiddenSize,
        out: 3 * hiddenSize,
        bias: attentionBias
      })
      const qkv = splitInterleaved(graph, fused, heads, headDim)
      const attended = causalAttention(layer, qkv, { heads, keyValueHeads: heads, headDim, rope })
      const dense = layer.linear('attention.dense', attended, { in: hiddenSize, out: hiddenSize, bias: attentionBias })
      const middle = graph.add(x, dense)
      const m = layerNorm(layer, parallel ? x : middle, 'post_attention_layernorm', hiddenSize, epsilon)
      const wide = layer.linear('mlp.dense_h_to_4h', m, { in: hiddenSize, out: intermediate, bias: true })
      const activated = activate(graph, wide)
      return graph.add(
        middle,
        layer.linear('mlp.dense_4h_to_h', activated, { in: intermediate, out: hiddenSize, bias: true })
      )
    },
    buildFinalNorm: (layer, x) => layerNorm(layer, x, 'gpt_neox.final_layer_norm', hiddenSize, epsilon)
  }
}
