import { AppError } from '../../shared/errors'
import type { GraphBuilder } from './graphBuilder'
import type { GraphNode, Value } from './onnxModel'
import type { StaticShapes } from './staticShapes'

/** What a rule works with. */
export interface RuleContext {
  readonly graph: GraphBuilder
  readonly node: GraphNode
  readonly shapes: StaticShapes
  /** ∂L/∂ of each output; undefined where L does not depend on it. At least one is there. */
  readonly gradients: readonly (Value | undefined)[]
  /** Whether the gradient of an input is asked for. */
  active(input: Value): boolean
  /** Adds to ∂L/∂input. */
  add(input: Value, gradient: Value): void
}

/** Adds what an operator passes back to each of its inputs that is asked for. */
export type Rule = (context: RuleContext) => void

/** A rule of one input and one output: what dL/dy = `dy` becomes before x, with y = f(x). */
const unary =
  (derivative: (graph: GraphBuilder, dy: Value, x: Value, y: Value, node: GraphNode) => Value): Rule =>
  ({ graph, node, gradients, add }) => {
    const [x, y, dy] = [node.inputs[0], node.outputs[0], gradients[0]] as [Value, Value, Value]
    add(x, derivative(graph, dy, x, y, node))
  }

/** A rule of two inputs that are broadcast against each other. */
const binary =
  (
    ofFirst: (graph: GraphBuilder, dy: Value, a: Value, b: Value, y: Value) => Value,
    ofSecond: (graph: GraphBuilder, dy: Value, a: Value, b: Value, y: Value) => Value
  ): Rule =>
  (context) => {
    const { graph, node, gradients, active, add } = context
    const [a, b, y, dy] = [...node.inputs, node.outputs[0], gradients[0]] as [Value, Value, Value, Value]
    if (active(a)) add(a, summedTo(context, ofFirst(graph, dy, a, b, y), a))
    if (active(b)) add(b, summedTo(context, ofSecond(graph, dy, a, b, y), b))
  }

/** Sums a gradient over the axes along which a value was repeated. */
function summedTo({ graph, node, shapes }: RuleContext, gradient: Value, value: Value): Value {
  const [own, whole] = [shapes.of(value), shapes.of(node.outputs[0] as Value)]
  if (own.length < whole.length) refuse(node, 'for a value of fewer axes')
  const repeated = own.flatMap((size, axis) => (size === 1 && whole[axis] !== 1 ? [axis] : []))
  return repeated.length === 0 ? gradient : graph.sum(gradient, repeated)
}

/** Refuses a form of an operator that its rule does not differentiate. */
function refuse({ operator }: GraphNode, form: string): never {
  throw new AppError('INTERNAL', `no gradient of ${operator} ${form}`)
}

/** The rule of each operator that graphs of blocks use; operator semantics as of ONNX opset 21. */
export const RULES: Readonly<Record<string, Rule>> = {
  Identity: unary((_, dy) => dy),
  Add: binary(
    (_, dy) => dy,
    (_, dy) => dy
  ),
  Sub: binary(
    (_, dy) => dy,
    (g, dy) => g.node('Neg', [dy])
  ),
  Mul: binary(
    (g, dy, _, b) => g.mul(dy, b),
    (g, dy, a) => g.mul(dy, a)
  ),
  Div: binary(
    (g, dy, _, b) => g.div(dy, b),
    (g, dy, _, b, y) => g.node('Neg', [g.div(g.mul(dy, y), b)])
  ),
  MatMul: matmul,
  Gemm: gemm,
  Reshape: unary((g, dy, x) => g.node('Reshape', [dy, g.node('Shape', [x])])),
  Transpose: unary((g, dy, _x, _y, { attributes }) => g.transpose(dy, inverse(attributes.perm as readonly number[]))),
  Split: split,
  Concat: concat,
  Slice: slice,
  Pad: pad,
  ReduceMean: mean,
  ReduceSum: sum,
  Sqrt: unary((g, dy, _, y) => g.div(g.mul(dy, g.scalar(0.5)), y)),
  Softmax: unary((g, dy, _, y, node) => {
    if (node.attributes.axis !== -1) refuse(node, 'over another axis than the last')
    const weighted = g.mul(dy, y)
    return g.sub(weighted, g.mul(y, g.sum(weighted, [-1])))
  }),
  Sigmoid: unary((g, dy, _, y) => g.mul(dy, g.mul(y, g.sub(g.scalar(1), y)))),
  Exp: unary((g, dy, _, y) => g.mul(dy, y)),
  Tanh: unary((g, dy, _, y) => g.mul(dy, g.sub(g.scalar(1), g.mul(y, y)))),
  Relu: unary((g, dy, x) => g.node('Where', [g.node('Greater', [x, g.scalar(0)]), dy, g.scalar(0)])),
  Gelu: unary((g, dy, x, _y, { attributes }) =>
    g.mul(dy, attributes.approximate === 'tanh' ? geluTanhSlope(g, x) : geluSlope(g, x))
  ),
  LayerNormalization: layerNorm,
  Clip: clip
}

function matmul({ graph, node, shapes, gradients, active, add }: RuleContext): void {
  const [a, b, dy] = [...node.inputs, gradients[0]] as [Value, Value, Value]
  const [left, right] = [shapes.of(a), shapes.of(b)]
  const rank = left.length
  const repeats = left.some((size, axis) => axis < rank - 2 && (size === 1) !== (right[axis] === 1))
  if (right.length !== rank || repeats) refuse(node, 'that broadcasts')
  const swapped = (x: Value) => graph.transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2])
  if (active(a)) add(a, graph.matmul(dy, swapped(b)))
  if (active(b)) add(b, graph.matmul(swapped(a), dy))
}

/** Y = A · op(B) + C, A as it is. */
function gemm({ graph, node, shapes, gradients, active, add }: RuleContext): void {
  const [a, b, bias] = node.inputs as [Value, Value, Value?]
  const dy = gradients[0] as Value
  const { transA, alpha, beta } = node.attributes
  if (transA === 1) refuse(node, 'with transA')
  if (alpha !== undefined || beta !== undefined) refuse(node, 'with alpha or beta')
  const transB = node.attributes.transB === 1
  if (active(a)) add(a, graph.gemm(dy, b, { transB: transB ? 0 : 1 }))
  if (active(b)) add(b, transB ? graph.gemm(dy, a, { transA: 1 }) : graph.gemm(a, dy, { transA: 1 }))
  if (bias === undefined || !active(bias)) return
  if (shapes.of(bias).length !== 2) refuse(node, 'for a bias that is repeated')
  add(bias, dy)
}

const inverse = (perm: readonly number[]): number[] => perm.map((_, axis) => perm.indexOf(axis))

function split({ graph, node, gradients, add }: RuleContext): void {
  const zeros = (y: Value): Value => graph.mul(y, graph.scalar(0))
  const parts = node.outputs.map((y, i) => gradients[i] ?? zeros(y))
  add(node.inputs[0] as Value, graph.concat(parts, node.attributes.axis as number))
}

function concat({ graph, node, gradients, active, add }: RuleContext): void {
  const axis = node.attributes.axis as number
  const sizes = node.inputs.map((input) => sizeOf(graph, input, axis))
  const dy = gradients[0] as Value
  const parts = graph.nodes('Split', [dy, graph.concat(sizes, 0)], sizes.length, { axis })
  for (const [i, input] of node.inputs.entries()) if (active(input)) add(input, parts[i] as Value)
}

/** The size of one axis, int64 [1]. */
const sizeOf = (graph: GraphBuilder, x: Value, axis: number): Value =>
  graph.node('Gather', [graph.node('Shape', [x]), graph.ints([axis])])

/** Elements [begin, end) of one axis: zeros stand for the others. */
function slice({ graph, node, gradients, add }: RuleContext): void {
  const [x, ...bounds] = node.inputs as [Value, Value, Value, Value]
  const constants = bounds.map((each) => graph.constantInts(each) ?? [])
  if (node.inputs.length !== 4 || constants.some(({ length }) => length !== 1))
    refuse(node, 'of several axes or with steps')
  const [begin, end, axis] = constants.flat() as [number, number, number]
  const size = sizeOf(graph, x, axis)
  const before = begin < 0 ? graph.add(size, graph.ints([begin])) : graph.ints([begin])
  const after = end < 0 ? graph.ints([-end]) : graph.sub(size, graph.ints([end]))
  const pads = graph.concat([before, after], 0)
  add(x, graph.node('Pad', [gradients[0] as Value, pads, graph.scalar(0), graph.ints([axis])]))
}

/** Zeros on both sides of each axis. */
function pad({ graph, node, gradients, add }: RuleContext): void {
  const [x, widths] = node.inputs as [Value, Value]
  if (node.inputs.length !== 2 || node.attributes.mode !== undefined)
    refuse(node, 'with other values than zeros on all axes')
  const pads = graph.constantInts(widths) ?? []
  const begins = pads.slice(0, pads.length / 2)
  const starts = graph.ints(begins)
  const ends = graph.add(graph.node('Shape', [x]), starts)
  add(x, graph.node('Slice', [gradients[0] as Value, starts, ends, graph.ints(begins.map((_, axis) => axis))]))
}

function mean({ graph, node, shapes, gradients, add }: RuleContext): void {
  const [x, axes] = node.inputs as [Value, Value]
  const size = (graph.constantInts(axes) ?? []).reduce(
    (product, axis) => product * (shapes.of(x).at(axis) ?? Number.NaN),
    1
  )
  if (Number.isNaN(size)) refuse(node, 'over an axis of unknown size')
  if (node.attributes.keepdims !== 1) refuse(node, 'that leaves out its axis')
  const share = graph.mul(gradients[0] as Value, graph.scalar(1 / size))
  add(x, graph.node('Expand', [share, graph.node('Shape', [x])]))
}

function sum({ graph, node, gradients, add }: RuleContext): void {
  const [x] = node.inputs as [Value]
  if (node.attributes.keepdims !== 1) refuse(node, 'that leaves out its axis')
  add(x, graph.node('Expand', [gradients[0] as Value, graph.node('Shape', [x])]))
}

/** Φ(x) + x φ(x), of the normal distribution. */
function geluSlope(g: GraphBuilder, x: Value): Value {
  const probability = g.mul(g.scalar(0.5), g.add(g.scalar(1), g.node('Erf', [g.mul(x, g.scalar(Math.SQRT1_2))])))
  const density = g.mul(g.node('Exp', [g.mul(g.mul(x, x), g.scalar(-0.5))]), g.scalar(1 / Math.sqrt(2 * Math.PI)))
  return g.add(probability, g.mul(x, density))
}

/** With u = √(2/π) (x + 0.044715 x³) and t = tanh u: ½ (1 + t) + ½ x (1 − t²) u′. */
function geluTanhSlope(g: GraphBuilder, x: Value): Value {
  const [root, cubic] = [Math.sqrt(2 / Math.PI), 0.044715]
  const square = g.mul(x, x)
  const inner = (share: number) => g.add(g.scalar(1), g.mul(square, g.scalar(share)))
  const t = g.node('Tanh', [g.mul(g.mul(x, inner(cubic)), g.scalar(root))])
  const slope = g.mul(g.mul(g.sub(g.scalar(1), g.mul(t, t)), inner(3 * cubic)), g.mul(x, g.scalar(root)))
  return g.mul(g.scalar(0.5), g.add(g.add(g.scalar(1), t), slope))
}

/** With x̂ = (x − mean) r, r = 1 / √(variance + ε), g = dy · w: r (g − mean g − x̂ mean(g x̂)), over the last axis. */
function layerNorm({ graph, node, gradients, active, add }: RuleContext): void {
  const [x, weight, bias] = node.inputs as [Value, Value, Value?]
  if (active(weight) || (bias !== undefined && active(bias))) refuse(node, 'for its weights')
  if (node.attributes.axis !== -1) refuse(node, 'over more than the last axis')
  const { float } = node.attributes.epsilon as { float: number }
  const centred = graph.sub(x, graph.mean(x, -1))
  const variance = graph.mean(graph.mul(centred, centred), -1)
  const deviation = graph.node('Sqrt', [graph.add(variance, graph.scalar(float))])
  const normed = graph.div(centred, deviation)
  const g = graph.mul(gradients[0] as Value, weight)
  const along = graph.mul(normed, graph.mean(graph.mul(g, normed), -1))
  add(x, graph.div(graph.sub(graph.sub(g, graph.mean(g, -1)), along), deviation))
}

/** Nothing passes where the value was cut off; two choices, since WebGPU has no `Or`. */
function clip({ graph, node, gradients, add }: RuleContext): void {
  const [x, low, high] = node.inputs as [Value, Value, Value]
  const below = graph.node('Where', [graph.node('Less', [x, low]), graph.scalar(0), gradients[0] as Value])
  add(x, graph.node('Where', [graph.node('Greater', [x, high]), graph.scalar(0), below]))
}
