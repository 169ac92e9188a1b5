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

/** Without parameters: y = x / √(mean(x²) + ε). */
export const bareRmsNorm = (layer: LayerBuilder, x: Value, epsilon: number): Value => rootMeanSquared(layer, x, epsilon)

function rootMeanSquared({ graph }: LayerBuilder, x: Value, epsilon: number): Value {
  const meanSquare = graph.mean(graph.mul(x, x), -1)
  return graph.div(x, graph.node('Sqrt', [graph.add(meanSquare, graph.scalar(epsilon))]))
}

/** y = w · (x − mean) / √(variance + ε) + b, over the last axis of x [tokens, size]. */
export function layerNorm(layer: LayerBuilder, x: Value, name: string, size: number, epsilon: number): Value {
  const weight = layer.parameter(`${name}.weight`, [size])
  const bias = layer.parameter(`${name}.bias`, [size])
  return layerNormalization(layer, x, weight, epsilon, bias)
}

/** The same without b. */
export function plainLayerNorm(layer: LayerBuilder, x: Value, name: string, size: number, epsilon: number): Value {
  return layerNormalization(layer, x, layer.parameter(`${name}.weight`, [size]), epsilon)
}

/** Nemotron's form: y = (1 + w) · (x − mean) / √(variance + ε) + b. */
export function offsetLayerNorm(layer: LayerBuilder, x: Value, name: string, size: number, epsilon: number): Value {
  const factor = layer.graph.add(layer.parameter(`${name}.weight`, [size]), layer.graph.scalar(1))
  return layerNormalization(layer, x, factor, epsilon, layer.parameter(`${name}.bias`, [size]))
}

/** OLMo's form, without parameters: y = (x − mean) / √(variance + ε). */
export function bareLayerNorm(layer: LayerBuilder, x: Value, _name: string, _size: number, epsilon: number): Value {
  return rootMeanSquared(layer, layer.graph.sub(x, layer.graph.mean(x, -1)), epsilon)
}

/** Each head of x [tokens, heads · d] normed by itself, y = w · (x − mean) / √(variance + ε), with weights [heads, d]. */
export function headLayerNorm(layer: LayerBuilder, x: Value, weights: Value, heads: HeadSize, epsilon: number): Value {
  const { graph } = layer
  const { count, size } = heads
  const normed = bareLayerNorm(layer, graph.reshape(x, [-1, count, size]), '', size, epsilon)
  return graph.reshape(graph.mul(normed, weights), [-1, count * size])
}

interface HeadSize {
  readonly count: number
  readonly size: number
}

function layerNormalization({ graph }: LayerBuilder, x: Value, weight: Value, epsilon: number, bias?: Value): Value {
  const inputs = bias === undefined ? [x, weight] : [x, weight, bias]
  return graph.node('LayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } })
}
