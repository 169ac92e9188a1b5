import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { type AttentionShape, causalAttention } from './attention'
import type { LayerBuilder } from './layerBuilder'
import type { LayerAttention } from './layerTypes'
import { rmsNorm } from './norms'
import { type AttentionGate, ownGate } from './selfAttention'

/** Sizes of latent attention, under the names of the config classes. */
export interface LatentSizes {
  readonly hidden_size: number
  readonly num_attention_heads: number
  /** Values of a query's latent; null where queries have none, and come of one linear. */
  readonly q_lora_rank: number | null
  /** Values of the latent of keys and values. */
  readonly kv_lora_rank: number
  /** Dimensions of a head of queries and keys that do not rotate, and of those that do. */
  readonly qk_nope_head_dim: number
  readonly qk_rope_head_dim: number
  readonly v_head_dim: number
  /** Of the linears that read the block's input, and of the last one. */
  readonly attention_bias: boolean
}

/** What latent attention reads from a config. */
export interface LatentSettings extends LatentSizes {
  readonly layers: readonly LayerAttention[]
  /** Factor of the scores beside 1 / √d. */
  readonly scoreStretch: number
}

/** Where a family's latent attention differs. */
export interface LatentForm extends Pick<AttentionShape, 'interleaved' | 'queryFactor'> {
  /** A linear that gives gates, by which what heads attend to is multiplied. */
  readonly gate?: AttentionGate | undefined
}

/** ε of the norms of latents, whatever that of the block's. */
const EPSILON = 1e-6

/**
 * Multi-head latent attention, `self_attn` of a block: queries, and keys with values, come out of normed latents of fewer values;
 * the part of a key that rotates is one for all heads.
 *
 *     [q, q°] = q_b(norm(q_a(n)));   [c, k°] = kv_a(n);   [k, v] = kv_b(norm(c))
 *     o(softmax([q, R q°] [k, R k°]ᵀ · s + mask) v)
 *
 * Source: DeepSeek-V2, arXiv 2405.04434, 2.1; transformers modeling_deepseek_v2, modeling_deepseek_v3.
 */
export function latentAttention(
  layer: LayerBuilder,
  n: Value,
  index: number,
  settings: LatentSettings,
  { interleaved, queryFactor, gate }: LatentForm
): Value {
  const { num_attention_heads: heads, v_head_dim: valueDim, hidden_size: hiddenSize } = settings
  const q = queries(layer, n, settings)
  const { k, v } = keysAndValues(layer, n, settings)
  const headDim = settings.qk_rope_head_dim + settings.qk_nope_head_dim
  const scale = settings.scoreStretch / Math.sqrt(headDim)
  const shape = { heads, keyValueHeads: heads, headDim, valueDim, scale, interleaved, queryFactor }
  const attended = causalAttention(layer, { q, k, v }, { ...shape, ...settings.layers[index] })
  const factors = ownGate(layer, n, { ...settings, head_dim: valueDim }, { gate })
  const passed = factors === undefined ? attended : layer.graph.mul(attended, factors)
  return layer.linear('self_attn.o_proj', passed, {
    in: heads * valueDim,
    out: hiddenSize,
    bias: settings.attention_bias
  })
}

/** [tokens, heads · d], in each head first what rotates. */
function queries(layer: LayerBuilder, n: Value, settings: LatentSettings): Value {
  const { graph } = layer
  const { hidden_size: hiddenSize, num_attention_heads: heads, q_lora_rank: rank } = settings
  const { qk_rope_head_dim: rotating, qk_nope_head_dim: plain } = settings
  const out = heads * (rotating + plain)
  const whole = (): Value => {
    if (rank === null) return layer.linear('self_attn.q_proj', n, { in: hiddenSize, out, bias: false })
    const latent = layer.linear('self_attn.q_a_proj', n, { in: hiddenSize, out: rank, bias: settings.attention_bias })
    const normed = rmsNorm(layer, latent, 'self_attn.q_a_layernorm', rank, EPSILON)
    return layer.linear('self_attn.q_b_proj', normed, { in: rank, out, bias: false })
  }
  const [still, turned] = headParts(graph, whole(), heads, [plain, rotating])
  return graph.reshape(graph.concat([turned, still], 2), [-1, out])
}

/** Keys [tokens, heads · d], in each head first what rotates, and values [tokens, heads · valueDim]. */
function keysAndValues(layer: LayerBuilder, n: Value, settings: LatentSettings): { k: Value; v: Value } {
  const { graph } = layer
  const { hidden_size: hiddenSize, num_attention_heads: heads, kv_lora_rank: rank, v_head_dim: valueDim } = settings
  const { qk_rope_head_dim: rotating, qk_nope_head_dim: plain } = settings
  const size = { in: hiddenSize, out: rank + rotating, bias: settings.attention_bias }
  const both = layer.linear('self_attn.kv_a_proj_with_mqa', n, size)
  const [latent, turned] = graph.split(both, 1, [rank, rotating]) as [Value, Value]
  const normed = rmsNorm(layer, latent, 'self_attn.kv_a_layernorm', rank, EPSILON)
  const out = heads * (plain + valueDim)
  const wide = layer.linear('self_attn.kv_b_proj', normed, { in: rank, out, bias: false })
  const [still, values] = headParts(graph, wide, heads, [plain, valueDim])
  const forEach = graph.floats(new Float32Array(heads * rotating), [1, heads, rotating])
  const spread = graph.add(graph.reshape(turned, [-1, 1, rotating]), forEach)
  return {
    k: graph.reshape(graph.concat([spread, still], 2), [-1, heads * (rotating + plain)]),
    v: graph.reshape(values, [-1, heads * valueDim])
  }
}

/** The two parts [tokens, heads, size] of every head of x [tokens, heads · (size + size)]. */
function headParts(graph: GraphBuilder, x: Value, heads: number, sizes: readonly [number, number]): [Value, Value] {
  const [first, second] = sizes
  return graph.split(graph.reshape(x, [-1, heads, first + second]), 2, [...sizes]) as [Value, Value]
}
