import type { GraphBuilder, Value } from '../graph/graphBuilder'

/**
 * (I + tril₋₁(L))⁻¹ by halves: with the inverses of its diagonal blocks of size s, those of twice the size are
 *
 *     X ← X − X (L ∘ M) X,  M the blocks below the diagonal of each pair
 *
 * As stable as substitution, whatever the sizes of powers of L are; all of it is products of matrices, so that it has a
 * gradient as it stands.
 *
 * @param lower - [batch …, size, size], five axes; what it holds on and above the diagonal does not count
 * @param size - a power of two
 */
export function unitLowerInverse(graph: GraphBuilder, lower: Value, size: number): Value {
  const identity = constantMatrix(graph, [size, size], (row, column) => (row === column ? 1 : 0))
  const below = (half: number) => {
    const inPair = (row: number, column: number) => Math.floor(row / half) === Math.floor(column / half) + 1
    const pairs = (row: number, column: number) => Math.floor(row / (2 * half)) === Math.floor(column / (2 * half))
    return constantMatrix(graph, [size, size], (row, column) => (inPair(row, column) && pairs(row, column) ? 1 : 0))
  }
  // Of one token alone nothing lies below the diagonal, but the shape is still that of `lower`.
  let inverse = graph.sub(identity, graph.mul(lower, below(1)))
  for (let half = 2; half < size; half *= 2) {
    const between = graph.mul(lower, below(half))
    inverse = graph.sub(inverse, graph.matmul(inverse, graph.matmul(between, inverse)))
  }
  return inverse
}

/** A constant matrix. */
export function constantMatrix(
  graph: GraphBuilder,
  [rows, columns]: readonly [number, number],
  at: (row: number, column: number) => number
): Value {
  const values = Float32Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns))
  return graph.floats(values, [rows, columns])
}
