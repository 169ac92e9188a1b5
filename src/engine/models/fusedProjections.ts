import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { type AttentionShape, causalAttention } from './attention'
import type { LayerBuilder } from './layerBuilder'

type Heads = Pick<AttentionShape, 'heads' | 'keyValueHeads' | 'headDim'>

/**
 * Queries, keys and values out of a fused projection whose rows are [key-value head][its queries, k, v][d]: with as many
 * key-value heads as heads each head has its own three, with one all queries come first.
 *
 * @param fused - [tokens, (heads + 2 · keyValueHeads) · d]
 * @returns [tokens, heads · d] and twice [tokens, keyValueHeads · d]
 */
function splitByHead(
  graph: GraphBuilder,
  fused: Value,
  { heads, keyValueHeads, headDim }: Heads
): { q: Value; k: Value; v: Value } {
  const queries = (heads / keyValueHeads) * headDim
  const perHead = graph.reshape(fused, [-1, keyValueHeads, queries + 2 * headDim])
  const [q, k, v] = graph.split(perHead, 2, [queries, headDim, headDim]) as [Value, Value, Value]
  const flat = (part: Value, count: number) => graph.reshape(part, [-1, count * headDim])
  return { q: flat(q, heads), k: flat(k, keyValueHeads), v: flat(v, keyValueHeads) }
}

interface FusedLinears {
  readonly names: readonly [input: string, output: string]
  readonly bias: boolean
  /** Of q and k [tokens, heads · d] before they are rotated. */
  readonly headNorms?: AttentionShape['rotatedNorms']
}

/**
 * Attention out of one linear for q, k and v, head by head, and one for the output.
 *
 * @param n - [tokens, hidden], hidden = heads · d
 */
export function fusedAttention(
  layer: LayerBuilder,
  n: Value,
  shape: AttentionShape,
  { names: [input, output], bias, headNorms }: FusedLinears
): Value {
  const { heads, keyValueHeads, headDim } = shape
  const hidden = heads * headDim
  const fused = layer.linear(input, n, { in: hidden, out: hidden + 2 * keyValueHeads * headDim, bias })
  const { q, k, v } = splitByHead(layer.graph, fused, shape)
  const normed = headNorms === undefined ? { q, k, v } : { q: headNorms.q(q), k: headNorms.k(k), v }
  const attended = causalAttention(layer, normed, shape)
  return layer.linear(output, attended, { in: hidden, out: hidden, bias })
}
