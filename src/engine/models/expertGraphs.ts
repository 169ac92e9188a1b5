import { GraphBuilder } from '../graph/graphBuilder'
import type { ExpertsSpec } from './experts'

/**
 * One expert over the rows that are routed to it.
 *
 * Inputs: `rows` [rows, hidden], `weight` [rows, 1], and the expert's tensors. Output: `sum` [rows, hidden], what it makes of
 * each row times its weight.
 */
export function expertGraph(spec: ExpertsSpec): Uint8Array {
  const graph = new GraphBuilder()
  const rows = graph.input('rows', ['rows', spec.hiddenSize])
  const weight = graph.input('weight', ['rows', 1])
  const tensors = new Map(spec.tensors.map(({ input, shape }) => [input, graph.input(input, shape)]))
  const out = spec.build(graph, rows, (input) => tensors.get(input) as never)
  graph.output('sum', graph.mul(out, weight), ['rows', spec.hiddenSize])
  return graph.build()
}
