import { AppError } from '../../shared/errors'
import type { GraphBuilder } from './graphBuilder'
import type { GraphNode, Value } from './onnxModel'

/** Sizes of a value's axes; undefined where a size is known only when the graph runs. */
export type StaticShape = readonly (number | undefined)[]

/** Operators whose result is shaped as their first input. */
const SAME_SHAPE = new Set([
  'Identity',
  'Sqrt',
  'Softmax',
  'Sigmoid',
  'Tanh',
  'Relu',
  'Gelu',
  'LayerNormalization',
  'Clip',
  'Neg',
  'Erf',
  'Exp'
])

/** What is known of the shapes of a graph's values while it is built, worked out from inputs and constants on. */
export class StaticShapes {
  readonly #known = new Map<Value, StaticShape>()

  constructor(private readonly graph: GraphBuilder) {}

  /** @throws {AppError} INTERNAL for an operator whose shape nobody described */
  of(value: Value): StaticShape {
    const known = this.#known.get(value)
    if (known !== undefined) return known
    const shape = this.#infer(value)
    this.#known.set(value, shape)
    return shape
  }

  #infer(value: Value): StaticShape {
    const given = this.graph.givenShape(value)
    if (given !== undefined) return given.map((size) => (typeof size === 'number' ? size : undefined))
    const standIn = this.graph.standIn(value)
    if (standIn !== undefined) return this.of(standIn) // whose gradient it is
    const node = this.graph.producer(value)
    if (node === undefined) throw new AppError('INTERNAL', `no value ${value} in the graph`)
    return this.#ofNode(node, node.outputs.indexOf(value))
  }

  #ofNode(node: GraphNode, output: number): StaticShape {
    const [x, second] = node.inputs as [Value, Value]
    switch (node.operator) {
      case 'Add':
      case 'Sub':
      case 'Mul':
      case 'Div':
      case 'Less':
        return broadcast(this.of(x), this.of(second))
      case 'MatMul':
        return [
          ...broadcast(this.of(x).slice(0, -2), this.of(second).slice(0, -2)),
          this.of(x).at(-2),
          this.of(second).at(-1)
        ]
      case 'Where':
        return node.inputs.map((input) => this.of(input)).reduce(broadcast)
      case 'Gemm':
        return this.#ofGemm(node)
      case 'Reshape':
        return this.#ints(node, second).map((size, axis) =>
          size > 0 ? size : size === 0 ? this.of(x)[axis] : undefined
        )
      case 'Transpose':
        return (node.attributes.perm as readonly number[]).map((axis) => this.of(x)[axis])
      case 'Split':
        return this.#replaced(x, node.attributes.axis as number, this.#ints(node, second)[output])
      case 'Concat':
        return this.#ofConcat(node)
      case 'Slice':
        return this.#ofSlice(node)
      case 'Gather':
        return this.#ofGather(node)
      case 'Pad':
        return this.of(x).map(() => undefined)
      case 'ReduceMean':
      case 'ReduceSum':
      case 'ReduceMax':
        return this.#replaced(x, this.#ints(node, second)[0] as number, 1)
      default:
        if (SAME_SHAPE.has(node.operator)) return this.of(x)
        throw new AppError('INTERNAL', `no shape of ${node.operator}`)
    }
  }

  #ofGemm({ inputs, attributes }: GraphNode): StaticShape {
    const [a, b] = inputs.map((input) => this.of(input)) as [StaticShape, StaticShape]
    return [attributes.transA === 1 ? a[1] : a[0], attributes.transB === 1 ? b[0] : b[1]]
  }

  #ofConcat({ inputs, attributes }: GraphNode): StaticShape {
    const axis = attributes.axis as number
    const sizes = inputs.map((input) => this.of(input).at(axis))
    const whole = sizes.reduce((sum, size) => (sum === undefined || size === undefined ? undefined : sum + size), 0)
    return this.#replaced(inputs[0] as Value, axis, whole)
  }

  #ofGather({ inputs, attributes }: GraphNode): StaticShape {
    const [x, places] = inputs.map((input) => this.of(input)) as [StaticShape, StaticShape]
    const axis = attributes.axis as number
    return [...x.slice(0, axis), ...places, ...x.slice(axis + 1)]
  }

  #ofSlice(node: GraphNode): StaticShape {
    const [begin, end, axis] = node.inputs.slice(1).map((bound) => this.#ints(node, bound)[0]) as [
      number,
      number,
      number
    ]
    return this.#replaced(node.inputs[0] as Value, axis, begin >= 0 && end >= 0 ? end - begin : undefined)
  }

  #ints(node: GraphNode, value: Value): number[] {
    const ints = this.graph.constantInts(value)
    if (ints === undefined) throw new AppError('INTERNAL', `${node.operator} with sizes that are no constant`)
    return ints
  }

  #replaced(x: Value, axis: number, size: number | undefined): StaticShape {
    const shape = [...this.of(x)]
    shape[axis < 0 ? shape.length + axis : axis] = size
    return shape
  }
}

/** Sizes of what an operator makes of two values that it broadcasts against each other. */
function broadcast(a: StaticShape, b: StaticShape): StaticShape {
  const rank = Math.max(a.length, b.length)
  const size = (shape: StaticShape, axis: number): number | undefined =>
    axis < rank - shape.length ? 1 : shape[axis - rank + shape.length]
  return Array.from({ length: rank }, (_, axis) => {
    const [one, other] = [size(a, axis), size(b, axis)]
    if (one === 1) return other
    return other === 1 ? one : (one ?? other)
  })
}
