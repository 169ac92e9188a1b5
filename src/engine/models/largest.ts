import type { GraphBuilder, Value } from '../graph/graphBuilder'

/** The largest float32: what it is subtracted from is so far below the others that it counts for nothing beside them. */
export const FARTHEST = 3.4028234663852886e38

/** How many of the values of a row. */
interface Selection {
  readonly count: number
  readonly perToken: number
}

/**
 * 1 for the k largest values of each row [rows, count], 0 for the others; of equal values the first counts. One after the
 * other, by maxima: not every device has an operator for the k largest. Which they are has no gradient.
 */
export function largest(graph: GraphBuilder, x: Value, { perToken, count }: Selection): Value {
  const first = graph.floats(
    Float32Array.from({ length: count }, (_, place) => count - place),
    [1, count]
  )
  const max = (values: Value): Value => graph.node('ReduceMax', [values, graph.ints([1])], { keepdims: 1 })
  const atMax = (values: Value): Value =>
    graph.node('Where', [graph.node('Less', [values, max(values)]), graph.scalar(0), graph.scalar(1)])
  let left = x
  let chosen: Value | undefined
  for (let place = 0; place < perToken; place++) {
    const next = atMax(graph.mul(atMax(left), first))
    chosen = chosen === undefined ? next : graph.add(chosen, next)
    left = graph.sub(left, graph.mul(next, graph.scalar(FARTHEST)))
  }
  return graph.detach(chosen ?? graph.mul(x, graph.scalar(0)))
}
