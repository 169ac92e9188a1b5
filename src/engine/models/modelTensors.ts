import type { Dtype } from '../formats/dtypes'
import { embeddingTables } from './architecture'
import type { LinearSpec, ParameterSpec } from './layerBuilder'
import { embeddingGraph, finalNormGraph, type PlainGraph } from './modelGraphs'
import type { ModelParts } from './modelParts'
import { type ModelWeights, storedShape, type TensorPart } from './modelWeights'

/** A linear with what its weight is stored as. */
export interface ModelLinear extends Pick<LinearSpec, 'inFeatures' | 'outFeatures' | 'transposed'> {
  readonly path: string
}

/** A tensor of the model under the name that transformers has for it, and its shape as checkpoints store it. */
export interface ModelTensor {
  readonly name: string
  readonly shape: readonly number[]
  /** Whether it stays in float32, whatever the dtype of the others. */
  readonly float32?: boolean
  /** Of all experts of a block: whether files may have the matrix of each turned. */
  readonly turnable?: boolean
  /** Of an expert: where its values lie in the checkpoint. */
  readonly place?: TensorPart
  /** Of a piece of a tensor that transformers cuts where it writes it: which part of that tensor it is. */
  readonly cutOf?: TensorPart
  /** Of a part beside a text model: its name in the checkpoint. What is no linear's may hold infinities, as bounds do. */
  readonly stored?: string
  /** Present for the weight of a linear, which is what gets quantized. */
  readonly linear?: ModelLinear & {
    /** Whether it lies in a block: only those get adapters, and only those are in the fingerprint. */
    readonly inBlock: boolean
  }
}

/**
 * Every tensor that the model is made of, each once, from the embedding through the blocks to the head.
 *
 * @param ownHead - whether the head is another tensor than the embedding
 */
export function modelTensors(parts: ModelParts, ownHead: boolean): ModelTensor[] {
  const { architecture } = parts
  const { head, headBias, vocabularySize, embeddingSize } = architecture
  const shape = [vocabularySize, embeddingSize]
  return [
    ...embeddingTables(architecture).map(({ name, rows, columns }) => ({ name, shape: [rows, columns] })),
    ...outerTensors(embeddingGraph(architecture, parts.context)),
    ...Array.from({ length: architecture.blocks }, (_, block) => blockTensors(parts, block)).flat(),
    ...outerTensors(finalNormGraph(architecture)),
    ...(ownHead ? [{ name: head, shape }] : []),
    ...(headBias === undefined ? [] : [{ name: headBias, shape: [vocabularySize] }])
  ]
}

/** The dtypes in which the linears among these are stored, each once. */
export const linearDtypes = (weights: ModelWeights, tensors: readonly ModelTensor[]): Dtype[] => [
  ...new Set(
    tensors.flatMap(({ linear, stored, name, shape }) =>
      linear === undefined ? [] : [weights.find(stored ?? name, shape).dtype]
    )
  )
]

/** The dtype that holds values of all of these exactly: the one that they have in common, or F32. */
export const exactDtype = (dtypes: readonly Dtype[]): Dtype => (dtypes.length === 1 && dtypes[0]) || 'F32'

/** In which a trainer must load the weights so that linears have the values that they are stored with. */
export const loadedDtype = (weights: ModelWeights, parts: ModelParts): Dtype =>
  exactDtype(linearDtypes(weights, modelTensors(parts, true)))

/** Parameters of a graph outside the blocks, where a linear may be among them. */
const outerTensors = (graph: PlainGraph | undefined): ModelTensor[] =>
  (graph?.parameters ?? []).map((parameter) => {
    const { name, shape } = parameter
    const linear = outerLinear(parameter)
    return { name, shape, ...(linear && { linear: { ...linear, inBlock: false } }) }
  })

/** The linear outside the blocks that a parameter is the weight of; undefined for all others. */
export function outerLinear({ name, shape, linear }: ParameterSpec): ModelLinear | undefined {
  if (linear !== true) return undefined
  const [outFeatures = 0, inFeatures = 0] = shape
  return { path: name.replace(/\.weight$/, ''), outFeatures, inFeatures, transposed: false }
}

function blockTensors(parts: ModelParts, block: number): ModelTensor[] {
  const prefix = parts.architecture.blockPath(block)
  const linears = parts.linears(block).map((spec) => {
    const path = `${prefix}.${spec.name}`
    return { name: `${path}.weight`, shape: storedShape(spec), linear: { ...spec, path, inBlock: true } }
  })
  const others = parts
    .parameters(block)
    .map(({ name, shape, float32 = false }) => ({ name: `${prefix}.${name}`, shape, ...(float32 && { float32 }) }))
  return [...linears, ...others]
}
