import { bytesOf } from '../numerics/bytesOf'
import {
  type Attributes,
  type Dim,
  type ElementType,
  type GraphConstant,
  type GraphNode,
  type GraphPort,
  onnxModel,
  type Value
} from './onnxModel'

export type { GraphNode, Value } from './onnxModel'

/**
 * Builds an ONNX model in memory, one method per operator that Quail's graphs use.
 *
 * Values are named in order of creation, so equal sequences of calls give equal bytes: the bytes are the cache key of
 * compiled sessions. Nodes that no output needs are left out. Operator semantics: onnx.ai/onnx/operators, opset 21.
 */
export class GraphBuilder {
  readonly #nodes: GraphNode[] = []
  readonly #producers = new Map<string, GraphNode>()
  readonly #inputs = new Map<string, GraphPort>()
  readonly #outputs: GraphPort[] = []
  readonly #constants = new Map<string, GraphConstant>()
  readonly #known = new Map<string, Value>()
  readonly #standIns = new Map<Value, Value>()
  readonly #detached = new Set<Value>()
  #count = 0

  /** @param precision - of inputs and constants where nothing else is said */
  constructor(readonly precision: 'float32' | 'float64' = 'float32') {}

  input(name: string, shape: readonly Dim[], type: ElementType = this.precision): Value {
    this.#inputs.set(name, { name, shape, type })
    return name as Value
  }

  output(name: string, value: Value, shape: readonly Dim[], type: ElementType = this.precision): void {
    this.#push('Identity', '', [value], [name as Value], {})
    this.#outputs.push({ name, shape, type })
  }

  /** Any operator with one output. */
  node(operator: string, inputs: readonly Value[], attributes: Attributes = {}, domain = ''): Value {
    const output = this.#fresh(operator)
    this.#push(operator, domain, inputs, [output], attributes)
    return output
  }

  /** Any operator with several outputs. */
  nodes(operator: string, inputs: readonly Value[], outputs: number, attributes: Attributes = {}): Value[] {
    const names = Array.from({ length: outputs }, () => this.#fresh(operator))
    this.#push(operator, '', inputs, names, attributes)
    return names
  }

  floats(data: Float32Array, shape: readonly number[]): Value {
    const values = this.precision === 'float32' ? data : Float64Array.from(data)
    return this.#constant(this.precision, values, shape)
  }

  scalar(value: number): Value {
    const values = this.precision === 'float32' ? Float32Array.of(value) : Float64Array.of(value)
    return this.#shared(`f${value}`, () => this.#constant(this.precision, values, []))
  }

  ints(values: readonly number[]): Value {
    return this.#shared(`i${values.join()}`, () =>
      this.#constant('int64', BigInt64Array.from(values, BigInt), [values.length])
    )
  }

  add = (a: Value, b: Value): Value => this.node('Add', [a, b])
  sub = (a: Value, b: Value): Value => this.node('Sub', [a, b])
  mul = (a: Value, b: Value): Value => this.node('Mul', [a, b])
  div = (a: Value, b: Value): Value => this.node('Div', [a, b])
  matmul = (a: Value, b: Value): Value => this.node('MatMul', [a, b])
  /** x times a number; x itself where that is 1. */
  scaled = (x: Value, factor: number): Value => (factor === 1 ? x : this.mul(x, this.scalar(factor)))
  sigmoid = (x: Value): Value => this.node('Sigmoid', [x])
  softmax = (x: Value, axis = -1): Value => this.node('Softmax', [x], { axis })
  concat = (parts: readonly Value[], axis: number): Value => this.node('Concat', parts, { axis })
  transpose = (x: Value, perm: readonly number[]): Value => this.node('Transpose', [x], { perm })

  /** op(A) · op(B) (+ bias), A and B two-dimensional. */
  gemm(
    a: Value,
    b: Value,
    { transA = 0, transB = 0, bias }: { transA?: 0 | 1; transB?: 0 | 1; bias?: Value } = {}
  ): Value {
    return this.node('Gemm', bias === undefined ? [a, b] : [a, b, bias], { transA, transB })
  }

  /** A size of 0 keeps the input's, −1 is what is left. */
  reshape = (x: Value, shape: readonly number[]): Value => this.node('Reshape', [x, this.ints(shape)])

  /** Elements [begin, end) along one axis. */
  slice(x: Value, axis: number, begin: number, end: number): Value {
    return this.node('Slice', [x, this.ints([begin]), this.ints([end]), this.ints([axis])])
  }

  split(x: Value, axis: number, sizes: readonly number[]): Value[] {
    return this.nodes('Split', [x, this.ints(sizes)], sizes.length, { axis })
  }

  /** Mean over one axis, which stays with size 1. */
  mean = (x: Value, axis: number): Value => this.node('ReduceMean', [x, this.ints([axis])], { keepdims: 1 })

  /** Sum over axes, which stay with size 1. */
  sum = (x: Value, axes: readonly number[]): Value => this.node('ReduceSum', [x, this.ints(axes)], { keepdims: 1 })

  /**
   * Says that the gradient of a value is that of another, as it is: how a rounding, whose own derivative is zero, is
   * differentiated (straight-through estimator). The graph computes the same with and without.
   */
  passGradient(from: Value, to: Value): void {
    this.#standIns.set(from, to)
  }

  /** Says that a value has no gradient: what is computed of it is differentiated as if it were a constant. Returns the value. */
  detach(value: Value): Value {
    this.#detached.add(value)
    return value
  }

  isDetached = (value: Value): boolean => this.#detached.has(value)

  /** The value that takes the gradient of a value in its place, where `passGradient` named one. */
  standIn = (value: Value): Value | undefined => this.#standIns.get(value)

  /** What was built until now, in order. */
  get trace(): readonly GraphNode[] {
    return this.#nodes
  }

  /** The node that a value comes from; undefined for inputs and constants. */
  producer = (value: Value): GraphNode | undefined => this.#producers.get(value)

  /** Shape of an input or of a constant; undefined for what a node computes. */
  givenShape = (value: Value): readonly Dim[] | undefined =>
    (this.#inputs.get(value) ?? this.#constants.get(value))?.shape

  /** The numbers of a constant that `ints` made. */
  constantInts(value: Value): number[] | undefined {
    const constant = this.#constants.get(value)
    if (constant?.type !== 'int64') return undefined
    return Array.from(new BigInt64Array(constant.bytes.slice().buffer), Number)
  }

  build(): Uint8Array {
    const needed = this.needs(this.#outputs.map(({ name }) => name as Value))
    return onnxModel({
      nodes: this.#nodes.filter(({ outputs }) => outputs.some((output) => needed.has(output))),
      inputs: [...this.#inputs.values()],
      outputs: this.#outputs,
      constants: [...this.#constants.values()].filter(({ name }) => needed.has(name))
    })
  }

  /** Some values and every one that they depend on. */
  needs(values: readonly Value[]): ReadonlySet<string> {
    const needed = new Set<string>(values)
    for (const { inputs, outputs } of [...this.#nodes].reverse()) {
      if (outputs.some((output) => needed.has(output))) for (const input of inputs) needed.add(input)
    }
    return needed
  }

  #push(operator: string, domain: string, inputs: readonly Value[], outputs: Value[], attributes: Attributes): void {
    const node = { operator, domain, inputs: [...inputs], outputs, attributes }
    this.#nodes.push(node)
    for (const output of outputs) this.#producers.set(output, node)
  }

  #fresh(operator: string): Value {
    return `${operator}_${this.#count++}` as Value
  }

  #shared(key: string, make: () => Value): Value {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const value = make()
    this.#known.set(key, value)
    return value
  }

  #constant(type: ElementType, data: ArrayBufferView, shape: readonly number[]): Value {
    const name = this.#fresh('constant')
    const bytes = bytesOf(data)
    this.#constants.set(name, { name, shape, type, bytes })
    return name
  }
}
