import type { GraphBuilder, Value } from '../graph/graphBuilder'

/**
 * Queries, keys and values out of a fused projection whose rows are [head][q, k, v][d]: each head has its own three.
 *
 * @param fused - [tokens, 3 · heads · d]
 * @returns each [tokens, heads · d]
 */
export function splitInterleaved(
  graph: GraphBuilder,
  fused: Value,
  heads: number,
  headDim: number
): { q: Value; k: Value; v: Value } {
  const perHead = graph.reshape(fused, [-1, heads, 3 * headDim])
  const parts = graph.split(perHead, 2, [headDim, headDim, headDim])
  const [q, k, v] = parts.map((part) => graph.reshape(part, [-1, heads * headDim])) as [Value, Value, Value]
  return { q, k, v }
}
