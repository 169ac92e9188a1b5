import type { Value } from '../graph/graphBuilder'
import type { LayerBuilder } from './layerBuilder'

/** y = w · x / √(mean(x²) + ε), over the last axis of x [tokens, size]. */
export function rmsNorm(layer: LayerBuilder, x: Value, name: string, size: number, epsilon: number): Value {
  const { graph } = layer
  const meanSquare = graph.mean(graph.mul(x, x), -1)
  const deviation = graph.node('Sqrt', [graph.add(meanSquare, graph.scalar(epsilon))])
  return graph.mul(graph.div(x, deviation), layer.parameter(`${name}.weight`, [size]))
}

/** y = w · (x − mean) / √(variance + ε) + b, over the last axis of x [tokens, size]. */
export function layerNorm(layer: LayerBuilder, x: Value, name: string, size: number, epsilon: number): Value {
  const weight = layer.parameter(`${name}.weight`, [size])
  const bias = layer.parameter(`${name}.bias`, [size])
  return layer.graph.node('LayerNormalization', [x, weight, bias], { axis: -1, epsilon: { float: epsilon } })
}
