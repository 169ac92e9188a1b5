import { readActivation } from './activations'
import type { Family, ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { ConfigReader } from './configReader'
import { rmsNorm } from './norms'
import { readRope } from './rope'

/**
 * LLaMA 1–3: grouped-query attention with rotary positions, gated MLP, RMS norms before each, sequential residual.
 *
 *     x += o(attention(q(n), k(n), v(n))), n = norm₁(x);   x += down(act(gate(n)) · up(n)), n = norm₂(x)
 *
 * Source: transformers modeling_llama (formats.md §G). `pretraining_tp` only changed how products were split.
 */
export const llama: Family = { modelTypes: ['llama'], read: readLlama }

function readLlama(config: ConfigReader): ModelArchitecture {
  const hiddenSize = config.integer('hidden_size')
  const intermediate = config.integer('intermediate_size')
  const heads = config.integer('num_attention_heads')
  const keyValueHeads = config.integer('num_key_value_heads', heads)
  const headDim = config.integer('head_dim', Math.floor(hiddenSize / heads))
  if (heads % keyValueHeads !== 0) throw config.complaint('num_key_value_heads', `a divisor of ${heads} heads`)
  const epsilon = config.number('rms_norm_eps', 1e-6)
  const activate = readActivation(config, 'hidden_act', 'silu')
  const rope = readRope(config, headDim, { theta: 'rope_theta', partial: 'partial_rotary_factor' })
  const attentionBias = config.boolean('attention_bias', false)
  const mlpBias = config.boolean('mlp_bias', false)
  const queryWidth = heads * headDim
  const keyWidth = keyValueHeads * headDim
  return {
    family: 'llama',
    hiddenSize,
    vocabularySize: config.integer('vocab_size'),
    contextLimit: config.integer('max_position_embeddings', 2048),
    blocks: config.integer('num_hidden_layers'),
    basePrefix: 'model.',
    embedding: 'model.embed_tokens.weight',
    head: config.boolean('tie_word_embeddings', false) ? 'model.embed_tokens.weight' : 'lm_head.weight',
    blockPath: (index) => `model.layers.${index}`,
    buildBlock(layer, x) {
      const { graph } = layer
      const n = rmsNorm(layer, x, 'input_layernorm', hiddenSize, epsilon)
      const project = (name: string, out: number) =>
        layer.linear(`self_attn.${name}`, n, { in: hiddenSize, out, bias: attentionBias })
      const qkv = { q: project('q_proj', queryWidth), k: project('k_proj', keyWidth), v: project('v_proj', keyWidth) }
      const attended = causalAttention(layer, qkv, { heads, keyValueHeads, headDim, rope })
      const o = layer.linear('self_attn.o_proj', attended, { in: queryWidth, out: hiddenSize, bias: attentionBias })
      const middle = graph.add(x, o)
      const m = rmsNorm(layer, middle, 'post_attention_layernorm', hiddenSize, epsilon)
      const gate = layer.linear('mlp.gate_proj', m, { in: hiddenSize, out: intermediate, bias: mlpBias })
      const up = layer.linear('mlp.up_proj', m, { in: hiddenSize, out: intermediate, bias: mlpBias })
      const gated = graph.mul(activate(graph, gate), up)
      return graph.add(
        middle,
        layer.linear('mlp.down_proj', gated, { in: intermediate, out: hiddenSize, bias: mlpBias })
      )
    },
    buildFinalNorm: (layer, x) => rmsNorm(layer, x, 'model.norm', hiddenSize, epsilon)
  }
}
