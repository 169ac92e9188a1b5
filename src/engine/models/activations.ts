import type { GraphBuilder, Value } from '../graph/graphBuilder'
import type { Setting } from './settings'

type Activation = (graph: GraphBuilder, x: Value) => Value

/** 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))). */
export const geluTanh: Activation = (graph, x) => graph.node('Gelu', [x], { approximate: 'tanh' })

const gelu: Activation = (graph, x) => graph.node('Gelu', [x])
const relu: Activation = (graph, x) => graph.node('Relu', [x])

/** By the name that config.json gives (transformers' ACT2FN). */
const ACTIVATIONS = {
  silu: (graph, x) => graph.mul(x, graph.sigmoid(x)),
  swish: (graph, x) => graph.mul(x, graph.sigmoid(x)),
  gelu,
  gelu_python: gelu,
  gelu_new: geluTanh,
  gelu_fast: geluTanh,
  gelu_accurate: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  gelu_python_tanh: geluTanh,
  quick_gelu: (graph, x) => graph.mul(x, graph.sigmoid(graph.mul(x, graph.scalar(1.702)))),
  relu,
  relu2: (graph, x) => graph.mul(relu(graph, x), relu(graph, x)),
  sigmoid: (graph, x) => graph.sigmoid(x),
  tanh: (graph, x) => graph.node('Tanh', [x]),
  linear: (_, x) => x
} satisfies Readonly<Record<string, Activation>>

export type ActivationName = keyof typeof ACTIVATIONS

/** A key that names an activation. */
export const activation = (fallback: ActivationName): Setting<ActivationName> => ({
  fallback,
  read(config, key) {
    const name = config.string(key)
    // "toString" is no activation
    if (!Object.hasOwn(ACTIVATIONS, name)) throw config.complaint(key, `one of ${Object.keys(ACTIVATIONS).join(', ')}`)
    return name as ActivationName
  }
})

export const activate = (graph: GraphBuilder, name: ActivationName, x: Value): Value => ACTIVATIONS[name](graph, x)
