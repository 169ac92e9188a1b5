import type { Value } from '../graph/graphBuilder'
import { type ActivationName, activate } from './activations'
import type { ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { LayerBuilder } from './layerBuilder'
import type { LayerAttention } from './layerTypes'
import { rmsNorm } from './norms'

/** What the relatives of LLaMA read from their configs, under the names of the config classes. */
export interface LlamaLikeSettings {
  readonly vocab_size: number
  readonly hidden_size: number
  readonly intermediate_size: number
  readonly num_attention_heads: number
  readonly num_key_value_heads: number
  readonly head_dim: number
  readonly hidden_act: ActivationName
  readonly max_position_embeddings: number
  readonly rms_norm_eps: number
  readonly tie_word_embeddings: boolean
  readonly layers: readonly LayerAttention[]
}

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
}

/**
 * Blocks of the LLaMA kind: grouped-query attention with rotary positions, gated MLP, RMS norms before each.
 *
 *     x += o(attention(q(n), k(n), v(n))), n = norm₁(x);   x += down(act(gate(n)) · up(n)), n = norm₂(x)
 *
 * Source: transformers modeling_llama.
 */
export function llamaLike(settings: LlamaLikeSettings, options: LlamaLikeOptions): ModelArchitecture {
  const { hidden_size: hiddenSize, intermediate_size: intermediate, head_dim: headDim, layers } = settings
  const { num_attention_heads: heads, num_key_value_heads: keyValueHeads, rms_norm_eps: epsilon } = settings
  const queryWidth = heads * headDim
  const keyWidth = keyValueHeads * headDim
  const { inputBias, outputBias, mlpBias } = options

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
  const attention = (layer: LayerBuilder, n: Value, index: number): Value => {
    const names = options.fused ? ['qkv_proj'] : ['q_proj', 'k_proj', 'v_proj']
    const widths = [queryWidth, keyWidth, keyWidth]
    const [q, k, v] = project(layer, n, 'self_attn', names, widths, inputBias) as [Value, Value, Value]
    const normed = options.headNorm
      ? { q: headNorm(layer, q, 'q_norm'), k: headNorm(layer, k, 'k_norm'), v }
      : { q, k, v }
    const attended = causalAttention(layer, normed, { heads, keyValueHeads, headDim, ...layers[index] })
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
    const gated = layer.graph.mul(activate(layer.graph, settings.hidden_act, gate), up)
    return layer.linear('mlp.down_proj', gated, { in: intermediate, out: hiddenSize, bias: mlpBias })
  }

  return {
    family: options.family,
    hiddenSize,
    embeddingSize: hiddenSize,
    vocabularySize: settings.vocab_size,
    contextLimit: settings.max_position_embeddings,
    blocks: layers.length,
    basePrefix: 'model.',
    embedding: 'model.embed_tokens.weight',
    head: 'lm_head.weight',
    tiedHead: settings.tie_word_embeddings,
    blockPath: (index) => `model.layers.${index}`,
    buildBlock(layer, x, index) {
      const { graph } = layer
      const n = rmsNorm(layer, x, 'input_layernorm', hiddenSize, epsilon)
      const middle = graph.add(x, attention(layer, n, index))
      return graph.add(middle, mlp(layer, rmsNorm(layer, middle, 'post_attention_layernorm', hiddenSize, epsilon)))
    },
    buildFinalNorm: (layer, x) => rmsNorm(layer, x, 'model.norm', hiddenSize, epsilon)
  }
}
