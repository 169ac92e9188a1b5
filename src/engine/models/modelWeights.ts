import { badFormat } from '../../shared/errors'
import type { Checkpoint, CheckpointTensor } from '../formats/checkpoint'
import { transposed } from '../numerics/matrix'
import type { ModelArchitecture } from './architecture'
import type { LinearSpec, ParameterSpec } from './layerBuilder'

type LinearShape = Pick<LinearSpec, 'inFeatures' | 'outFeatures' | 'transposed'>

/** Where a graph gets its parameters from: the checkpoint, or a quantized base. */
export type ReadParameter = (parameter: ParameterSpec) => Promise<Float32Array>

/** Shape of a linear's weight in the checkpoint. */
export const storedShape = ({ inFeatures, outFeatures, transposed }: LinearShape): [number, number] =>
  transposed ? [inFeatures, outFeatures] : [outFeatures, inFeatures]

/**
 * The tensors of a checkpoint under the names of an architecture.
 *
 * Checkpoints saved from the bare model lack the base prefix (`model.`, `gpt_neox.`); both forms are accepted.
 */
export class ModelWeights {
  constructor(
    readonly checkpoint: Checkpoint,
    private readonly architecture: ModelArchitecture
  ) {}

  /** The tensor, checked against the shape that config.json implies. */
  find(name: string, shape: readonly number[]): CheckpointTensor {
    const tensor = this.checkpoint.tensors.get(this.storedName(name))
    const { directory } = this.checkpoint
    if (tensor === undefined)
      throw badFormat(`${directory}: tensor ${name} is missing, config.json asks for [${shape}]`)
    if (tensor.shape.join() !== shape.join()) {
      throw badFormat(`${directory}: tensor ${name} has shape [${tensor.shape}], config.json asks for [${shape}]`)
    }
    return tensor
  }

  /** A whole tensor as float32. */
  read(name: string, shape: readonly number[]): Promise<Float32Array> {
    return this.checkpoint.readFloat32(this.find(name, shape).name)
  }

  /** What the checkpoint holds for a parameter of a graph. */
  readonly readParameter: ReadParameter = ({ name, shape }) => this.read(name, shape)

  /** Rows of a matrix as float32. */
  readMatrixRows(name: string, shape: readonly number[], first: number, count: number): Promise<Float32Array> {
    return this.checkpoint.readRows(this.find(name, shape).name, first, count)
  }

  /** The weight of a linear, W [out, in], whichever way round it is stored. */
  async readLinear(path: string, linear: LinearShape): Promise<Float32Array> {
    const data = await this.read(`${path}.weight`, storedShape(linear))
    return linear.transposed ? transposed({ data, rows: linear.inFeatures, cols: linear.outFeatures }).data : data
  }

  /** Rows of the embedding or the head, [rows, embeddingSize], as float32. */
  readVocabularyRows(name: string, begin: number, end: number): Promise<Float32Array> {
    return this.checkpoint.readRows(this.#vocabularyTensor(name), begin, end - begin)
  }

  /** Embeddings of tokens, [tokens, embeddingSize]; each distinct row is read once. */
  embed(tokens: Int32Array): Float32Array {
    const { embedding, embeddingSize: size } = this.architecture
    const name = this.#vocabularyTensor(embedding)
    const embedded = new Float32Array(tokens.length * size)
    const first = new Map<number, number>()
    for (const [i, token] of tokens.entries()) {
      const known = first.get(token)
      if (known === undefined) {
        this.checkpoint.readRow(name, token, embedded, i * size)
        first.set(token, i)
      } else {
        embedded.copyWithin(i * size, known * size, (known + 1) * size)
      }
    }
    return embedded
  }

  #vocabularyTensor(name: string): string {
    const { vocabularySize, embeddingSize } = this.architecture
    return this.find(name, [vocabularySize, embeddingSize]).name
  }

  /** The name of a tensor in the checkpoint, which may lack the base prefix. */
  storedName(name: string): string {
    const { basePrefix } = this.architecture
    return this.checkpoint.has(name) || !name.startsWith(basePrefix) ? name : name.slice(basePrefix.length)
  }
}
