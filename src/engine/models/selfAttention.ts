import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { type AttentionShape, causalAttention } from './attention'
import type { LayerBuilder } from './layerBuilder'
import type { LayerAttention } from './layerTypes'
import { type Norm, rmsNorm } from './norms'

/** What grouped-query attention reads from a config, under the names of the config classes. */
export interface AttentionSettings {
  readonly hidden_size: number
  readonly num_attention_heads: number
  readonly num_key_value_heads: number
  readonly head_dim: number
  readonly layers: readonly LayerAttention[]
}

/** The same, and ε of the norms. */
export interface SelfAttentionSettings extends AttentionSettings {
  readonly rms_norm_eps: number
}

type ShapeOptions = Pick<AttentionShape, 'scale' | 'interleaved' | 'backward' | 'queryFactor'>

/** Where a family's attention differs from LLaMA's. */
interface LinearsOptions extends ShapeOptions {
  /** Bias of q, k and v; of o. */
  readonly inputBias: boolean
  readonly outputBias: boolean
  /** One linear for q, k and v (`qkv_proj`, contiguous). */
  readonly fused?: boolean
  /** Its module in a block; `self_attn` when left out. */
  readonly module?: string
  /** The last linear; `o_proj` when left out. */
  readonly output?: string
  /** Each head has a sink beside the keys, with a parameter for its score. */
  readonly sinks?: boolean
  /** Values of q, k and v beyond ± this are cut off, after q and k were normed. */
  readonly clip?: number | null
  /** `q_proj` gives queries and as many gates, head by head: what heads attend to is multiplied by sigmoid(gate). */
  readonly gated?: boolean
  /** A linear beside q, k and v that gives gates, by which what heads attend to is multiplied. */
  readonly gate?: AttentionGate
}

/** A linear without bias whose outputs are made into factors, one for each value of the heads, or for each head. */
export interface AttentionGate {
  readonly name: string
  readonly perHead?: boolean
  readonly of: (graph: GraphBuilder, x: Value) => Value
}

/** The same, with norms of q and k [tokens, heads · d] before they are rotated, and [rows, heads, context, d] after that. */
interface AttentionOptions extends LinearsOptions, Pick<AttentionShape, 'rotatedNorms'> {
  readonly headNorms?: AttentionShape['rotatedNorms']
}

/** Where the attention of LLaMA's relatives differs from its own. */
export interface SelfAttentionOptions extends LinearsOptions {
  /** Norms of q and k, of the same form as those of the block. */
  readonly queryKeyNorm?: QueryKeyNorm | undefined
  readonly norm?: Norm
}

interface QueryKeyNorm {
  /** Of each head, or of all heads as one vector. */
  readonly over: 'head' | 'width'
  /** Names of the norms of q and k; `q_norm` and `k_norm` when left out. */
  readonly names?: readonly [q: string, k: string]
  /** Heads are normed after they were rotated. */
  readonly afterRotation?: boolean
}

/** `projectedAttention` of LLaMA's relatives. */
export function selfAttention(
  layer: LayerBuilder,
  n: Value,
  index: number,
  settings: SelfAttentionSettings,
  options: SelfAttentionOptions
): Value {
  const norms = headNormsOf(layer, settings, options)
  const place = options.queryKeyNorm?.afterRotation ? { rotatedNorms: norms } : { headNorms: norms }
  return projectedAttention(layer, n, index, settings, { ...options, ...place })
}

/**
 * Grouped-query attention with its linears: o(attention(q(n), k(n), v(n))), `self_attn` of a block.
 *
 * Source: transformers modeling_llama.
 */
export function projectedAttention(
  layer: LayerBuilder,
  n: Value,
  index: number,
  settings: AttentionSettings,
  options: AttentionOptions
): Value {
  const { hidden_size: hiddenSize, num_attention_heads: heads, num_key_value_heads: keyValueHeads } = settings
  const { head_dim: headDim } = settings
  const { module = 'self_attn' } = options
  const { scale, interleaved, backward, queryFactor, rotatedNorms, headNorms, gated = false } = options
  const widths = [(gated ? 2 : 1) * heads * headDim, keyValueHeads * headDim, keyValueHeads * headDim]
  const names = options.fused ? ['qkv_proj'] : ['q_proj', 'k_proj', 'v_proj']
  const inputs = project(layer, n, module, names, { in: hiddenSize, widths, bias: options.inputBias })
  const [first, k, v] = inputs as [Value, Value, Value]
  const { q, gate } = gated ? withGate(layer, first, heads, headDim) : { q: first }
  const factors = gate === undefined ? ownGate(layer, n, settings, options) : layer.graph.sigmoid(gate)
  const clip = (x: Value) => clipped(layer, x, options.clip)
  const qkv = { q: clip(headNorms?.q(q) ?? q), k: clip(headNorms?.k(k) ?? k), v: clip(v) }
  const sinks = options.sinks ? layer.parameter(`${module}.sinks`, [heads]) : undefined
  const shape = { heads, keyValueHeads, headDim, scale, interleaved, backward, queryFactor, rotatedNorms, sinks }
  const attended = causalAttention(layer, qkv, { ...shape, ...settings.layers[index] })
  const size = { in: heads * headDim, out: hiddenSize, bias: options.outputBias }
  const passed = factors === undefined ? attended : layer.graph.mul(attended, factors)
  return layer.linear(`${module}.${options.output ?? 'o_proj'}`, passed, size)
}

/** Queries and gates [tokens, heads · d] out of [tokens, heads · 2 d], in which each head's gate follows its query. */
function withGate({ graph }: LayerBuilder, x: Value, heads: number, headDim: number): { q: Value; gate?: Value } {
  const parts = graph.split(graph.reshape(x, [-1, heads, 2 * headDim]), 2, [headDim, headDim])
  const [q, gate] = parts.map((part) => graph.reshape(part, [-1, heads * headDim])) as [Value, Value]
  return { q, gate }
}

/** What heads attend to is multiplied by, [tokens, heads · d], of a linear of its own; undefined without one. */
export function ownGate(
  layer: LayerBuilder,
  n: Value,
  {
    hidden_size: hiddenSize,
    num_attention_heads: heads,
    head_dim: headDim
  }: Pick<AttentionSettings, 'hidden_size' | 'num_attention_heads' | 'head_dim'>,
  { gate, module = 'self_attn' }: Pick<LinearsOptions, 'gate' | 'module'>
): Value | undefined {
  if (gate === undefined) return undefined
  const out = gate.perHead ? heads : heads * headDim
  const { graph } = layer
  const factors = gate.of(graph, layer.linear(`${module}.${gate.name}`, n, { in: hiddenSize, out, bias: false }))
  if (!gate.perHead) return factors
  const forEach = graph.floats(new Float32Array(headDim).fill(1), [1, 1, headDim])
  return graph.reshape(graph.mul(graph.reshape(factors, [-1, heads, 1]), forEach), [-1, heads * headDim])
}

/** Parts of the given widths of one input, by a linear each or, for one name, out of one linear. */
export function project(
  layer: LayerBuilder,
  x: Value,
  module: string,
  names: readonly string[],
  size: { readonly in: number; readonly widths: readonly number[]; readonly bias: boolean }
): Value[] {
  const { widths, bias } = size
  const linear = (name: string, out: number) => layer.linear(`${module}.${name}`, x, { in: size.in, out, bias })
  if (names.length === widths.length) return names.map((name, i) => linear(name, widths[i] as number))
  const total = widths.reduce((sum, width) => sum + width, 0)
  return layer.graph.split(linear(names[0] as string, total), 1, widths)
}

/** Norms of q and k. Before the rotation x is [tokens, heads · d], after it [rows, heads, context, d]. */
function headNormsOf(layer: LayerBuilder, settings: SelfAttentionSettings, options: SelfAttentionOptions) {
  const { queryKeyNorm, norm = rmsNorm, module = 'self_attn' } = options
  if (queryKeyNorm === undefined) return undefined
  const { head_dim: headDim, rms_norm_eps: epsilon } = settings
  const { over, names = ['q_norm', 'k_norm'], afterRotation } = queryKeyNorm
  const of = (name: string, heads: number) => (x: Value) => {
    const width = heads * headDim
    const normed = (value: Value, size: number) => norm(layer, value, `${module}.${name}`, size, epsilon)
    if (afterRotation) return normed(x, headDim)
    if (over === 'width') return normed(x, width)
    return layer.graph.reshape(normed(layer.graph.reshape(x, [0, -1, headDim]), headDim), [-1, width])
  }
  return { q: of(names[0], settings.num_attention_heads), k: of(names[1], settings.num_key_value_heads) }
}

/** Values beyond ± limit cut off. */
export const clipped = ({ graph }: LayerBuilder, x: Value, limit: number | null | undefined): Value =>
  limit == null ? x : graph.node('Clip', [x, graph.scalar(-limit), graph.scalar(limit)])
