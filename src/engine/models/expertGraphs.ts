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
  const { graph, sum } = ofRows(spec)
  graph.output(SUM, sum, ['rows', spec.hiddenSize])
  return graph.build()
}

/**
 * The gradient of one expert, which is computed anew inside.
 *
 * Inputs: those of `expertGraph`, and `gradient` ∂L/∂sum [rows, hidden]. Outputs: `gradient.rows` and `gradient.weight`.
 */
export function expertBackwardGraph(spec: ExpertsSpec): Uint8Array {
  const expert = ofRows(spec)
  const { graph } = expert
  const shape = ['rows', spec.hiddenSize]
  const { ofRows: gradient, ofWeight } = gradients(expert, graph.input('gradient', shape))
  graph.output('gradient.rows', gradient, shape)
  graph.output('gradient.weight', ofWeight, ['rows', 1])
  return graph.build()
}

/**
 * One expert over the rows of a batch that are routed to it, added to what those before it gave.
 *
 * Inputs: `input` [tokens, hidden], int32 `own` [rows], the numbers of the expert's tokens, and `places` [tokens], of each token
 * the place of its row among these, from 1 on, or 0; `weight` [rows, 1], the expert's tensors, and `before` [tokens, hidden], or
 * [1, hidden] where that is the same for all. Output: `sum` [tokens, hidden].
 */
export function expertSumGraph(spec: ExpertsSpec): Uint8Array {
  const { graph, sum } = ofGathered(spec)
  addPlaced(graph, sum, spec)
  return graph.build()
}

/**
 * The gradient of the same, added to what the experts before it gave.
 *
 * Inputs: those of `expertSumGraph`, and `gradient` ∂L/∂sum [tokens, hidden]. Outputs: `sum`, of ∂L/∂input, and
 * `gradient.weight` [rows, 1].
 */
export function expertSumBackwardGraph(spec: ExpertsSpec): Uint8Array {
  const expert = ofGathered(spec)
  const { graph, own } = expert
  const gradient = graph.input('gradient', ['tokens', spec.hiddenSize])
  const { ofRows: found, ofWeight } = gradients(expert, gathered(graph, gradient, own))
  addPlaced(graph, found, spec)
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

function ofRows(spec: ExpertsSpec): ExpertInGraph {
  const graph = new GraphBuilder()
  return weighed(graph, graph.input('rows', ['rows', spec.hiddenSize]), spec)
}

function ofGathered(spec: ExpertsSpec): ExpertInGraph & { readonly own: Value } {
  const graph = new GraphBuilder()
  const input = graph.input('input', ['tokens', spec.hiddenSize])
  const own = graph.input('own', ['rows'], 'int32')
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

/** Adds rows at the places of their tokens; what is added to the others is a row of zeros. */
function addPlaced(graph: GraphBuilder, rows: Value, { hiddenSize }: ExpertsSpec): void {
  const places = graph.input('places', ['tokens'], 'int32')
  const none = graph.floats(new Float32Array(hiddenSize), [1, hiddenSize])
  const before = graph.input('before', ['sums', hiddenSize])
  const placed = gathered(graph, graph.concat([none, rows], 0), places)
  graph.output(SUM, graph.add(before, placed), ['tokens', hiddenSize])
}

const gathered = (graph: GraphBuilder, rows: Value, places: Value): Value =>
  graph.node('Gather', [rows, places], { axis: 0 })
