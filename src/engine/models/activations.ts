import type { GraphBuilder, Value } from '../graph/graphBuilder'
import type { ConfigReader } from './configReader'

type Activation = (graph: GraphBuilder, x: Value) => Value

/** 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))). */
export const geluTanh: Activation = (graph, x) => graph.node('Gelu', [x], { approximate: 'tanh' })

/** By the name that config.json gives (transformers' ACT2FN). */
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  silu: (graph, x) => graph.mul(x, graph.sigmoid(x)),
  swish: (graph, x) => graph.mul(x, graph.sigmoid(x)),
  gelu: (graph, x) => graph.node('Gelu', [x]),
  gelu_new: geluTanh,
  gelu_fast: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  relu: (graph, x) => graph.node('Relu', [x])
}

/** The activation that a config names under a key. */
export function readActivation(config: ConfigReader, key: string, fallback: string): Activation {
  const name = config.string(key, fallback)
  const activation = Object.hasOwn(ACTIVATIONS, name) ? ACTIVATIONS[name] : undefined // "toString" is no activation
  if (activation === undefined) throw config.complaint(key, `one of ${Object.keys(ACTIVATIONS).join(', ')}`)
  return activation
}
