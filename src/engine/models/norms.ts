import type { Value } from '../graph/graphBuilder'
import type { LayerBuilder } from './layerBuilder'

/** A norm over the last axis of x, `size` values each, with the parameters `<name>.…`. */
export type Norm = (layer: LayerBuilder, x: Value, name: string, size: number, epsilon: number) => Value

/** y = w · x / √(mean(x²) + ε), over the last axis of x [tokens, size]. */
export const rmsNorm = (layer: LayerBuilder, x: Value, name: string, size: number, epsilon: number): Value =>
  layer.graph.mul(rootMeanSquared(layer, x, epsilon), layer.parameter(`${name}.weight`, [size]))

/** Gemma's form: y = (1 + w) · x / √(mean(x²) + ε). */
export function offsetRmsNorm(layer: LayerBuilder, x: Value, name: string, size: number, epsilon: number): Value {
  const { graph } = layer
  const factor = graph.add(layer.parameter(`${name}.weight`, [size]), graph.scalar(1))
  return graph.mul(rootMeanSquared(layer, x, epsilon), factor)
}

function rootMeanSquared({ graph }: LayerBuilder, x: Value, epsilon: number): Value {
  const meanSquare = graph.mean(graph.mul(x, x), -1)
  return graph.div(x, graph.node('Sqrt', [graph.add(meanSquare, graph.scalar(epsilon))]))
}

/** y = w · (x − mean) / √(variance + ε) + b, over the last axis of x [tokens, size]. */
export function layerNorm(layer: LayerBuilder, x: Value, name: string, size: number, epsilon: number): Value {
  const weight = layer.parameter(`${name}.weight`, [size])
  const bias = layer.parameter(`${name}.bias`, [size])
  return layer.graph.node('LayerNormalization', [x, weight, bias], { axis: -1, epsilon: { float: epsilon } })
}
