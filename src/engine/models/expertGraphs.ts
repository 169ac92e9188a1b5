import { addGradients } from '../graph/gradient'
import { GraphBuilder, type Value } from '../graph/graphBuilder'
import type { ExpertsSpec } from './experts'

/**
 * One expert over the rows that are routed to it.
 *
 * Inputs: `rows` [rows, hidden], `weight` [rows, 1], and the expert's tensors. Output: `sum` [rows, hidden], what it makes of
 * each row times its weight, or of each weighed row.
 */
export function expertGraph(spec: ExpertsSpec): Uint8Array {
  const { graph, sum } = withSum(spec)
  graph.output('sum', sum, ['rows', spec.hiddenSize])
  return graph.build()
}

/**
 * The gradient of one expert, which is computed anew inside.
 *
 * Inputs: those of `expertGraph`, and `gradient` ∂L/∂sum [rows, hidden]. Outputs: `gradient.rows` and `gradient.weight`.
 */
export function expertBackwardGraph(spec: ExpertsSpec): Uint8Array {
  const { graph, sum, rows, weight } = withSum(spec)
  const shape = ['rows', spec.hiddenSize]
  const gradients = addGradients(graph, new Map([[sum, graph.input('gradient', shape)]]), [rows, weight])
  graph.output('gradient.rows', gradients.get(rows) as Value, shape)
  graph.output('gradient.weight', gradients.get(weight) as Value, ['rows', 1])
  return graph.build()
}

function withSum(spec: ExpertsSpec) {
  const graph = new GraphBuilder()
  const rows = graph.input('rows', ['rows', spec.hiddenSize])
  const weight = graph.input('weight', ['rows', 1])
  const tensors = new Map(spec.tensors.map(({ input, shape }) => [input, graph.input(input, shape)]))
  const of = (x: Value) => spec.build(graph, x, (input) => tensors.get(input) as Value)
  const sum = spec.weighsInputs ? of(graph.mul(rows, weight)) : graph.mul(of(rows), weight)
  return { graph, rows, weight, sum }
}
