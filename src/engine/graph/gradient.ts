import { AppError } from '../../shared/errors'
import { RULES } from './gradientRules'
import type { GraphBuilder } from './graphBuilder'
import type { Value } from './onnxModel'
import { StaticShapes } from './staticShapes'

/**
 * Adds the backward half of a graph: reverse-mode differentiation with one rule for each operator (gradientRules.ts).
 *
 * With L = Σ seed · output, gives ∂L/∂w for each wanted input w, in its shape. Only what lies between the wanted inputs and
 * the outputs is differentiated: no product is made for weights, masks or positions that nobody asks for.
 *
 * @param seeds - ∂L/∂output of each output, in its shape
 * @throws {AppError} INTERNAL naming an operator without a rule, or a wanted input that no output depends on
 */
export function addGradients(
  graph: GraphBuilder,
  seeds: ReadonlyMap<Value, Value>,
  wanted: readonly Value[]
): ReadonlyMap<Value, Value> {
  const forward = [...graph.trace]
  const active = dependents(graph, wanted)
  const shapes = new StaticShapes(graph)
  const gradients = new Map(seeds)
  const add = (value: Value, gradient: Value): void => {
    const before = gradients.get(value)
    gradients.set(value, before === undefined ? gradient : graph.add(before, gradient))
  }
  for (const node of forward.reverse()) {
    const found = node.outputs.map((each) => gradients.get(each))
    if (found.every((each) => each === undefined)) continue
    const standIn = graph.standIn(node.outputs[0] as Value)
    if (standIn !== undefined) {
      if (active.has(standIn)) add(standIn, found[0] as Value)
      continue
    }
    if (!node.inputs.some((input) => active.has(input))) continue
    const rule = RULES[node.operator]
    if (rule === undefined) throw new AppError('INTERNAL', `no gradient of ${node.operator}`)
    rule({ graph, node, shapes, gradients: found, active: (input) => active.has(input), add })
  }
  return new Map(wanted.map((value) => [value, gradients.get(value) ?? unreached(value)]))
}

function unreached(value: Value): never {
  throw new AppError('INTERNAL', `the output does not depend on ${value}`)
}

/** The wanted values and all that is computed from them, up to what has no gradient. */
function dependents(graph: GraphBuilder, wanted: readonly Value[]): ReadonlySet<Value> {
  const active = new Set(wanted)
  for (const { inputs, outputs } of graph.trace) {
    if (!inputs.some((input) => active.has(input))) continue
    for (const output of outputs) if (!graph.isDetached(output)) active.add(output)
  }
  return active
}
