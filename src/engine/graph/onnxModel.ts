import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema
} from 'onnx-buf'

/** The name of a value inside one graph. */
export type Value = string & { readonly brand: 'Value' }
/** A size that is known now, or a name for one that is known when the graph runs. */
export type Dim = number | string
export type ElementType = 'float32' | 'float64' | 'int32' | 'int64' | 'uint32'
export type Attributes = Readonly<Record<string, number | string | readonly number[] | { readonly float: number }>>

/** One operator applied to values. */
export interface GraphNode {
  readonly operator: string
  readonly domain: string
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  readonly attributes: Attributes
}

/** An input or an output of a graph. */
export interface GraphPort {
  readonly name: string
  readonly shape: readonly Dim[]
  readonly type: ElementType
}

export interface GraphConstant {
  readonly name: Value
  readonly shape: readonly number[]
  readonly type: ElementType
  /** Little-endian elements. */
  readonly bytes: Uint8Array
}

const ELEMENT_TYPES: Readonly<Record<ElementType, DataType>> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  int32: DataType.INT32,
  int64: DataType.INT64,
  uint32: DataType.UINT32
}

const OPSET = 21n
const IR_VERSION = 10n

/** The bytes of an ONNX model; equal parts in equal order give equal bytes. */
export function onnxModel(parts: {
  readonly nodes: readonly GraphNode[]
  readonly inputs: readonly GraphPort[]
  readonly outputs: readonly GraphPort[]
  readonly constants: readonly GraphConstant[]
}): Uint8Array {
  const graph = create(GraphProtoSchema, {
    name: 'quail',
    node: parts.nodes.map(node),
    input: parts.inputs.map(valueInfo),
    output: parts.outputs.map(valueInfo),
    initializer: parts.constants.map(initializer)
  })
  const opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: OPSET })]
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: IR_VERSION, opsetImport, graph }))
}

const node = ({ operator, domain, inputs, outputs, attributes }: GraphNode) =>
  create(NodeProtoSchema, {
    opType: operator,
    domain,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(attribute)
  })

const initializer = ({ name, type, shape, bytes }: GraphConstant) =>
  create(TensorProtoSchema, {
    name,
    dataType: ELEMENT_TYPES[type],
    dims: shape.map(BigInt),
    rawData: new Uint8Array(bytes)
  })

function valueInfo({ name, shape, type }: GraphPort) {
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
