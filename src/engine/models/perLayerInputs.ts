import type { Value } from '../graph/graphBuilder'
import { type ActivationName, activate } from './activations'
import type { LayerBuilder } from './layerBuilder'
import { rmsNorm } from './norms'

/** The table of all layers' embeddings. */
export const LAYER_EMBEDDINGS = 'model.embed_tokens_per_layer.weight'

/** What is read of a config by models in which every layer is given an embedding of its own. */
export interface LayerInputSettings {
  readonly hidden_size: number
  readonly num_hidden_layers: number
  readonly hidden_activation: ActivationName
  readonly rms_norm_eps: number
}

/** What the layers are given, [tokens, layers · width]: (norm(projection(x) / √hidden) + e · √width) / √2. */
export function layerInputs(
  layer: LayerBuilder,
  x: Value,
  e: Value,
  settings: Omit<LayerInputSettings, 'hidden_activation'>,
  width: number
): Value {
  const { hidden_size: hiddenSize, num_hidden_layers: count, rms_norm_eps: epsilon } = settings
  const { graph } = layer
  const linear = layer.project('model.per_layer_model_projection.weight', x, hiddenSize, count * width)
  const scaled = graph.reshape(graph.mul(linear, graph.scalar(hiddenSize ** -0.5)), [-1, count, width])
  const normed = rmsNorm(layer, scaled, 'model.per_layer_projection_norm', width, epsilon)
  const own = graph.mul(e, graph.scalar(Math.sqrt(width)))
  return graph.mul(graph.add(graph.reshape(normed, [-1, count * width]), own), graph.scalar(Math.SQRT1_2))
}

/** projection(act(gate(x)) · e). */
export function layerInput(
  layer: LayerBuilder,
  x: Value,
  e: Value,
  { hidden_size: hiddenSize, hidden_activation }: LayerInputSettings,
  width: number
): Value {
  const gate = layer.linear('per_layer_input_gate', x, { in: hiddenSize, out: width, bias: false })
  const gated = layer.graph.mul(activate(layer.graph, hidden_activation, gate), e)
  return layer.linear('per_layer_projection', gated, { in: width, out: hiddenSize, bias: false })
}
