import { addGradients } from '../graph/gradient'
import { GraphBuilder, type Value } from '../graph/graphBuilder'
import type { ExpertsSpec } from './experts'

/** Name of the output with a sum. */
export const SUM = 'sum'

/**
 * One expert over the rows that are routed to it.
 *
 * Inputs: `rows` [rows, hidden], `weight` [rows, 1], and the expert's tensors. Output: `sum` [rows, hidden], what it makes of
 * each row times its weight, or of each weighed row.
 */
export function expertGraph(spec: ExpertsSpec): Uint8Array {
  const { graph, sum } = overRows(spec)
  graph.output(SUM, sum, ['rows', spec.hiddenSize])
  return graph.build()
}

/**
 * The gradient of one expert, which is computed anew inside.
 *
 * Inputs: those of `expertGraph`, and `gradient` ∂L/∂sum [rows, hidden]. Outputs: `gradient.rows` and `gradient.weight`.
 */
export function expertBackwardGraph(spec: ExpertsSpec): Uint8Array {
  const expert = overRows(spec)
  const { graph } = expert
  const shape = ['rows', spec.hiddenSize]
  const { ofRows, ofWeight } = gradients(expert, graph.input('gradient', shape))
  graph.output('gradient.rows', ofRows, shape)
  graph.output('gradient.weight', ofWeight, ['rows', 1])
  return graph.build()
}

/**
 * One expert over the rows of a batch that are routed to it, added to what those before it gave.
 *
 * Inputs: `input` [tokens, hidden], int32 `own` [rows, 1], the numbers of the expert's tokens, each of them once, `weight`
 * [rows, 1], the expert's tensors, and `before` [tokens, hidden]. Output: `sum` [tokens, hidden].
 */
export function expertSumGraph(spec: ExpertsSpec): Uint8Array {
  const { graph, sum, own } = overGathered(spec)
  addToTokens(graph, sum, own, spec)
  return graph.build()
}

/**
 * The gradient of the same, added to what the experts before it gave.
 *
 * Inputs: those of `expertSumGraph`, and `gradient` ∂L/∂sum [tokens, hidden]. Outputs: `sum`, of ∂L/∂input, and
 * `gradient.weight` [rows, 1].
 */
export function expertSumBackwardGraph(spec: ExpertsSpec): Uint8Array {
  const expert = overGathered(spec)
  const { graph, own } = expert
  const gradient = graph.input('gradient', ['tokens', spec.hiddenSize])
  const { ofRows, ofWeight } = gradients(expert, gathered(graph, gradient, own))
  addToTokens(graph, ofRows, own, spec)
  graph.output('gradient.weight', ofWeight, ['rows', 1])
  return graph.build()
}

/** An expert in a graph: what it is given, its weights for that, and what it makes of it. */
interface ExpertInGraph {
  readonly graph: GraphBuilder
  readonly rows: Value
  readonly weight: Value
  readonly sum: Value
}

function overRows(spec: ExpertsSpec): ExpertInGraph {
  const graph = new GraphBuilder()
  return weighed(graph, graph.input('rows', ['rows', spec.hiddenSize]), spec)
}

function overGathered(spec: ExpertsSpec): ExpertInGraph & { readonly own: Value } {
  const graph = new GraphBuilder()
  const input = graph.input('input', ['tokens', spec.hiddenSize])
  const own = graph.input('own', ['rows', 1], 'int32')
  return { ...weighed(graph, gathered(graph, input, own), spec), own }
}

function weighed(graph: GraphBuilder, rows: Value, spec: ExpertsSpec): ExpertInGraph {
  const weight = graph.input('weight', ['rows', 1])
  const tensors = new Map(spec.tensors.map(({ input, shape }) => [input, graph.input(input, shape)]))
  const of = (x: Value) => spec.build(graph, x, (input) => tensors.get(input) as Value)
  const sum = spec.weighsInputs ? of(graph.mul(rows, weight)) : graph.mul(of(rows), weight)
  return { graph, rows, weight, sum }
}

/** @param seed - ∂L/∂sum */
function gradients({ graph, rows, weight, sum }: ExpertInGraph, seed: Value) {
  const found = addGradients(graph, new Map([[sum, seed]]), [rows, weight])
  return { ofRows: found.get(rows) as Value, ofWeight: found.get(weight) as Value }
}

const gathered = (graph: GraphBuilder, all: Value, own: Value): Value =>
  graph.node('Gather', [all, graph.reshape(own, [-1])], { axis: 0 })

/** Adds rows to those of their tokens. No token has two, so that it makes no difference in which order a device comes to them. */
function addToTokens(graph: GraphBuilder, rows: Value, own: Value, { hiddenSize }: ExpertsSpec): void {
  const before = graph.input('before', ['tokens', hiddenSize])
  const tokens = graph.node('Expand', [own, graph.ints([1, hiddenSize])])
  const sum = graph.node('ScatterElements', [before, tokens, rows], { axis: 0, reduction: 'add' })
  graph.output(SUM, sum, ['tokens', hiddenSize])
}
