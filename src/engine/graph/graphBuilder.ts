import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema
} from 'onnx-buf'

/** The name of a value inside one graph. */
export type Value = string & { readonly brand: 'Value' }
/** A size that is known now, or a name for one that is known when the graph runs. */
export type Dim = number | string
export type ElementType = 'float32' | 'float64' | 'int32' | 'int64'
export type Attributes = Readonly<Record<string, number | string | readonly number[] | { readonly float: number }>>

const ELEMENT_TYPES: Readonly<Record<ElementType, DataType>> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  int32: DataType.INT32,
  int64: DataType.INT64
}

const OPSET = 21n
const IR_VERSION = 10n

/**
 * Builds an ONNX model in memory, one method per operator that Quail's graphs use.
 *
 * Values are named in order of creation, so equal sequences of calls give equal bytes: the bytes are the cache key of
 * compiled sessions. Operator semantics: onnx.ai/onnx/operators, opset 21.
 */
export class GraphBuilder {
  readonly #nodes: NodeProto[] = []
  readonly #inputs: ValueInfoProto[] = []
  readonly #outputs: ValueInfoProto[] = []
  readonly #initializers: TensorProto[] = []
  readonly #constants = new Map<string, Value>()
  #count = 0

  input(name: string, shape: readonly Dim[], type: ElementType = 'float32'): Value {
    this.#inputs.push(valueInfo(name, shape, type))
    return name as Value
  }

  output(name: string, value: Value, shape: readonly Dim[], type: ElementType = 'float32'): void {
    this.#nodes.push(create(NodeProtoSchema, { opType: 'Identity', input: [value], output: [name] }))
    this.#outputs.push(valueInfo(name, shape, type))
  }

  /** Any operator with one output. */
  node(opType: string, input: readonly Value[], attributes: Attributes = {}, domain = ''): Value {
    const output = this.#fresh(opType)
    this.#push(opType, domain, input, [output], attributes)
    return output
  }

  /** Any operator with several outputs. */
  nodes(opType: string, input: readonly Value[], outputs: number, attributes: Attributes = {}): Value[] {
    const names = Array.from({ length: outputs }, () => this.#fresh(opType))
    this.#push(opType, '', input, names, attributes)
    return names
  }

  floats(data: Float32Array, shape: readonly number[]): Value {
    return this.#initializer('float32', new Uint8Array(data.buffer, data.byteOffset, data.byteLength), shape)
  }

  scalar(value: number): Value {
    return this.#shared(`f${value}`, () => this.floats(Float32Array.of(value), []))
  }

  ints(values: readonly number[]): Value {
    return this.#shared(`i${values.join()}`, () =>
      this.#initializer('int64', new Uint8Array(BigInt64Array.from(values, BigInt).buffer), [values.length])
    )
  }

  add = (a: Value, b: Value): Value => this.node('Add', [a, b])
  sub = (a: Value, b: Value): Value => this.node('Sub', [a, b])
  mul = (a: Value, b: Value): Value => this.node('Mul', [a, b])
  div = (a: Value, b: Value): Value => this.node('Div', [a, b])
  matmul = (a: Value, b: Value): Value => this.node('MatMul', [a, b])
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

  build(): Uint8Array {
    const graph = create(GraphProtoSchema, {
      name: 'quail',
      node: this.#nodes,
      input: this.#inputs,
      output: this.#outputs,
      initializer: this.#initializers
    })
    const opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: OPSET })]
    return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: IR_VERSION, opsetImport, graph }))
  }

  #push(opType: string, domain: string, input: readonly Value[], output: string[], attributes: Attributes): void {
    const list = Object.entries(attributes).map(attribute)
    this.#nodes.push(create(NodeProtoSchema, { opType, domain, input: [...input], output, attribute: list }))
  }

  #fresh(opType: string): Value {
    return `${opType}_${this.#count++}` as Value
  }

  #shared(key: string, make: () => Value): Value {
    const known = this.#constants.get(key)
    if (known !== undefined) return known
    const value = make()
    this.#constants.set(key, value)
    return value
  }

  #initializer(type: ElementType, rawData: Uint8Array, shape: readonly number[]): Value {
    const name = this.#fresh('constant')
    const dims = shape.map(BigInt)
    this.#initializers.push(
      create(TensorProtoSchema, { name, dataType: ELEMENT_TYPES[type], dims, rawData: new Uint8Array(rawData) })
    )
    return name
  }
}

function valueInfo(name: string, shape: readonly Dim[], type: ElementType): ValueInfoProto {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof size === 'number' ? { case: 'dimValue', value: BigInt(size) } : { case: 'dimParam', value: size }
    })
  )
  const tensor = create(TypeProto_TensorSchema, {
    elemType: ELEMENT_TYPES[type],
    shape: create(TensorShapeProtoSchema, { dim })
  })
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } })
  })
}

function attribute([name, value]: [string, Attributes[string]]) {
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) })
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new Uint8Array(new TextEncoder().encode(value))
    })
  }
  if ('float' in value) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float })
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) })
}
