import type { GraphBuilder, Value } from '../graph/graphBuilder'

/** Terms of the series below: the first that is left out is 1e-9 of the sum. */
const TERMS = 8

/**
 * log(1 + exp x) = max(x, 0) + log1p(u), u = exp(−|x|), with log1p(u) = 2 artanh(u / (2 + u)) as a series.
 *
 * ONNX's Softplus takes log(1 + exp x), which float32 rounds to a multiple of 1e-7: a decay is a sum of thousands of them, so
 * that small ones must be right to their last digits.
 */
export function softplus(graph: GraphBuilder, x: Value): Value {
  const positive = graph.node('Relu', [x])
  const u = graph.node('Exp', [graph.sub(x, graph.mul(positive, graph.scalar(2)))])
  const z = graph.div(u, graph.add(u, graph.scalar(2)))
  const square = graph.mul(z, z)
  let series = graph.scalar(2 / (2 * TERMS - 1))
  for (let i = TERMS - 1; i > 0; i--) {
    series = graph.add(graph.mul(square, series), graph.scalar(2 / (2 * i - 1)))
  }
  return graph.add(positive, graph.mul(z, series))
}
