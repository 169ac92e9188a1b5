import type { Value } from '../graph/graphBuilder'
import { readActivation } from './activations'
import type { Family, ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { ConfigReader } from './configReader'
import { rmsNorm } from './norms'
import { readRope } from './rope'

/**
 * Phi-3, 3.5 and 4-mini: LLaMA with one fused projection for q, k, v (contiguous) and one for gate and up; partial rotary
 * positions and longrope.
 *
 * Source: transformers modeling_phi3 (formats.md §G.1).
 */
export const phi3: Family = { modelTypes: ['phi3'], read: readPhi3 }

function readPhi3(config: ConfigReader): ModelArchitecture {
  const hiddenSize = config.integer('hidden_size')
  const intermediate = config.integer('intermediate_size')
  const heads = config.integer('num_attention_heads')
  const keyValueHeads = config.integer('num_key_value_heads', heads)
  const headDim = config.integer('head_dim', Math.floor(hiddenSize / heads))
  if (heads % keyValueHeads !== 0) throw config.complaint('num_key_value_heads', `a divisor of ${heads} heads`)
  const epsilon = config.number('rms_norm_eps', 1e-5)
  const activate = readActivation(config, 'hidden_act', 'silu')
  const rope = readRope(config, headDim, { theta: 'rope_theta', partial: 'partial_rotary_factor' })
  const slidingWindow = config.has('sliding_window') ? config.integer('sliding_window') : undefined
  const widths = [heads * headDim, keyValueHeads * headDim, keyValueHeads * headDim] as const
  const embedding = 'model.embed_tokens.weight'
  return {
    family: 'phi3',
    hiddenSize,
    embeddingSize: hiddenSize,
    vocabularySize: config.integer('vocab_size'),
    contextLimit: config.integer('max_position_embeddings'),
    blocks: config.integer('num_hidden_layers'),
    basePrefix: 'model.',
    embedding,
    head: config.boolean('tie_word_embeddings', false) ? embedding : 'lm_head.weight',
    blockPath: (index) => `model.layers.${index}`,
    buildBlock(layer, x) {
      const { graph } = layer
      const linear = (name: string, value: Value, width: number, out: number) =>
        layer.linear(name, value, { in: width, out, bias: false })
      const n = rmsNorm(layer, x, 'input_layernorm', hiddenSize, epsilon)
      const fused = linear('self_attn.qkv_proj', n, hiddenSize, widths[0] + widths[1] + widths[2])
      const [q, k, v] = graph.split(fused, 1, widths) as [Value, Value, Value]
      const attended = causalAttention(layer, { q, k, v }, { heads, keyValueHeads, headDim, rope, slidingWindow })
      const middle = graph.add(x, linear('self_attn.o_proj', attended, widths[0], hiddenSize))
      const m = rmsNorm(layer, middle, 'post_attention_layernorm', hiddenSize, epsilon)
      const both = linear('mlp.gate_up_proj', m, hiddenSize, 2 * intermediate)
      const [gate, up] = graph.split(both, 1, [intermediate, intermediate]) as [Value, Value]
      return graph.add(middle, linear('mlp.down_proj', graph.mul(activate(graph, gate), up), intermediate, hiddenSize))
    },
    buildFinalNorm: (layer, x) => rmsNorm(layer, x, 'model.norm', hiddenSize, epsilon)
  }
}
