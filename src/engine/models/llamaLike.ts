import type { Value } from '../graph/graphBuilder'
import { readActivation } from './activations'
import type { ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { ConfigReader } from './configReader'
import type { LayerBuilder } from './layerBuilder'
import { rmsNorm } from './norms'
import { readRope } from './rope'

/** Where the relatives of LLaMA differ from it. */
export interface LlamaLikeOptions {
  readonly family: string
  /** Bias of q, k and v; of o. */
  readonly inputBias: boolean
  readonly outputBias: boolean
  readonly mlpBias: boolean
  /** RMS norm of each head of q and k, before the rotation. */
  readonly headNorm?: boolean
  /** One linear for q, k and v (`qkv_proj`, contiguous) and one for gate and up (`gate_up_proj`). */
  readonly fused?: boolean
  readonly slidingWindow?: number | undefined
}

/**
 * Blocks of the LLaMA kind: grouped-query attention with rotary positions, gated MLP, RMS norms before each.
 *
 *     x += o(attention(q(n), k(n), v(n))), n = norm₁(x);   x += down(act(gate(n)) · up(n)), n = norm₂(x)
 *
 * Source: transformers modeling_llama.
 */
export function llamaLike(config: ConfigReader, options: LlamaLikeOptions): ModelArchitecture {
  const hiddenSize = config.integer('hidden_size')
  const intermediate = config.integer('intermediate_size')
  const heads = config.integer('num_attention_heads')
  const keyValueHeads = config.integer('num_key_value_heads', heads)
  const headDim = config.integer('head_dim', Math.floor(hiddenSize / heads))
  if (heads % keyValueHeads !== 0) throw config.complaint('num_key_value_heads', `a divisor of ${heads} heads`)
  const epsilon = config.number('rms_norm_eps', 1e-6)
  const activate = readActivation(config, 'hidden_act', 'silu')
  const rope = readRope(config, headDim, { theta: 'rope_theta', partial: 'partial_rotary_factor' })
  const queryWidth = heads * headDim
  const keyWidth = keyValueHeads * headDim
  const { slidingWindow, inputBias, outputBias, mlpBias } = options

  /** Parts of the given widths, by a linear each or, for one name, out of one linear. */
  const project = (
    layer: LayerBuilder,
    n: Value,
    module: string,
    names: readonly string[],
    widths: readonly number[],
    bias: boolean
  ): Value[] => {
    const linear = (name: string, out: number) => layer.linear(`${module}.${name}`, n, { in: hiddenSize, out, bias })
    if (names.length === widths.length) return names.map((name, i) => linear(name, widths[i] as number))
    const whole = linear(
      names[0] as string,
      widths.reduce((sum, width) => sum + width, 0)
    )
    return layer.graph.split(whole, 1, widths)
  }
  const attention = (layer: LayerBuilder, n: Value): Value => {
    const names = options.fused ? ['qkv_proj'] : ['q_proj', 'k_proj', 'v_proj']
    const widths = [queryWidth, keyWidth, keyWidth]
    const [q, k, v] = project(layer, n, 'self_attn', names, widths, inputBias) as [Value, Value, Value]
    const normed = options.headNorm
      ? { q: headNorm(layer, q, 'q_norm'), k: headNorm(layer, k, 'k_norm'), v }
      : { q, k, v }
    const attended = causalAttention(layer, normed, { heads, keyValueHeads, headDim, rope, slidingWindow })
    return layer.linear('self_attn.o_proj', attended, { in: queryWidth, out: hiddenSize, bias: outputBias })
  }
  const headNorm = (layer: LayerBuilder, x: Value, name: string): Value => {
    const perHead = layer.graph.reshape(x, [0, -1, headDim])
    const width = name === 'q_norm' ? queryWidth : keyWidth
    return layer.graph.reshape(rmsNorm(layer, perHead, `self_attn.${name}`, headDim, epsilon), [-1, width])
  }
  const mlp = (layer: LayerBuilder, n: Value): Value => {
    const names = options.fused ? ['gate_up_proj'] : ['gate_proj', 'up_proj']
    const [gate, up] = project(layer, n, 'mlp', names, [intermediate, intermediate], mlpBias) as [Value, Value]
    const gated = layer.graph.mul(activate(layer.graph, gate), up)
    return layer.linear('mlp.down_proj', gated, { in: intermediate, out: hiddenSize, bias: mlpBias })
  }

  return {
    family: options.family,
    hiddenSize,
    embeddingSize: hiddenSize,
    vocabularySize: config.integer('vocab_size'),
    contextLimit: config.integer('max_position_embeddings', 2048),
    blocks: config.integer('num_hidden_layers'),
    basePrefix: 'model.',
    embedding: 'model.embed_tokens.weight',
    head: config.boolean('tie_word_embeddings', false) ? 'model.embed_tokens.weight' : 'lm_head.weight',
    blockPath: (index) => `model.layers.${index}`,
    buildBlock(layer, x) {
      const { graph } = layer
      const middle = graph.add(x, attention(layer, rmsNorm(layer, x, 'input_layernorm', hiddenSize, epsilon)))
      return graph.add(middle, mlp(layer, rmsNorm(layer, middle, 'post_attention_layernorm', hiddenSize, epsilon)))
    },
    buildFinalNorm: (layer, x) => rmsNorm(layer, x, 'model.norm', hiddenSize, epsilon)
  }
}
