import { badFormat } from '../../shared/errors'
import type { Checkpoint, FloatsWithBits } from '../formats/checkpoint'
import type { CheckpointTensor } from '../formats/shards'
import { transposed } from '../numerics/matrix'
import { type EmbeddingTable, embeddingTables, type ModelArchitecture } from './architecture'
import type { LinearSpec, ParameterSpec } from './layerBuilder'

/** Some consecutive elements of a tensor of this name and shape. */
export interface TensorPart {
  readonly name: string
  readonly shape: readonly number[]
  readonly first: number
  readonly count: number
}

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

  /** Some consecutive elements of a tensor as float32, in an array that is given or in a new one. */
  readPart({ name, shape, first, count }: TensorPart, into?: Float32Array): Promise<Float32Array> {
    return this.checkpoint.readPart(this.find(name, shape).name, first, count, into)
  }

  /** Whether the checkpoint holds a tensor, under any of its names. */
  has(name: string): boolean {
    return this.#stored(name) !== undefined
  }

  /** Rows of a matrix as float32. */
  readMatrixRows(name: string, shape: readonly number[], first: number, count: number): Promise<Float32Array> {
    return this.checkpoint.readRows(this.find(name, shape).name, first, count)
  }

  /** The weight of a linear, W [out, in], whichever way round it is stored. */
  async readLinear(path: string, linear: LinearShape): Promise<Float32Array> {
    const data = await this.read(`${path}.weight`, storedShape(linear))
    return linear.transposed ? transposed({ data, rows: linear.inFeatures, cols: linear.outFeatures }).data : data
  }

  /** The same with its bits, which it has where it is stored as [out, in] in 16 of them. */
  async readLinearWithBits(path: string, linear: LinearShape): Promise<FloatsWithBits> {
    if (linear.transposed) return { values: await this.readLinear(path, linear) }
    return this.checkpoint.readWithBits(this.find(`${path}.weight`, storedShape(linear)).name)
  }

  /** Rows of the embedding or the head, [rows, embeddingSize], as float32. */
  readVocabularyRows(name: string, begin: number, end: number): Promise<Float32Array> {
    return this.checkpoint.readRows(this.#vocabularyTensor(name), begin, end - begin)
  }

  /** Embeddings of tokens, [tokens, columns]; each distinct row is read once. */
  embed(tokens: Int32Array, table = embeddingTables(this.architecture)[0] as EmbeddingTable): Float32Array {
    const { rows, columns: size, rowBeyond } = table
    const { name } = this.find(table.name, [rows, size])
    const embedded = new Float32Array(tokens.length * size)
    const first = new Map<number, number>()
    for (const [i, token] of tokens.entries()) {
      const known = first.get(token)
      if (known === undefined) {
        const row = rowBeyond !== undefined && token >= rows ? rowBeyond : token
        this.checkpoint.readRow(name, row, embedded, i * size)
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

  /**
   * The name of a tensor in the checkpoint, which may lack the base prefix; `name` itself where there is none.
   *
   * Where config.json ties the head to the embedding and one of the two is stored, it is both. Where both are stored, each
   * is what is stored for it, as in transformers 5; 4 used the embedding as the head.
   *
   * Source: transformers 5.23, modeling_utils.py, PreTrainedModel.tie_weights.
   */
  storedName(name: string): string {
    return this.#stored(name) ?? this.#twin(name) ?? name
  }

  /** Whether the files hold the head as a tensor of its own, be it a copy of the embedding. */
  get storesHead(): boolean {
    const { head, embedding } = this.architecture
    return this.storedName(head) !== this.storedName(embedding)
  }

  /** The one of a tensor's names that the checkpoint has. */
  #stored(name: string): string | undefined {
    const { basePrefix, head, headAlias, storedPrefixes = {}, fileName, otherNames } = this.architecture
    const own = [...new Set([name, fileName?.(name) ?? name, ...(otherNames?.(name) ?? [])])]
    const bare = own
      .filter((one) => basePrefix !== '' && one.startsWith(basePrefix))
      .map((one) => one.slice(basePrefix.length))
    const alias = name === head && headAlias !== undefined ? [headAlias] : []
    const prefixed = Object.entries(storedPrefixes).flatMap(([prefix, others]) =>
      name.startsWith(prefix) ? others.map((other) => `${other}${name.slice(prefix.length)}`) : []
    )
    const [first, second] = [...own, ...bare, ...alias, ...prefixed].filter((one) => this.checkpoint.has(one))
    if (second === undefined) return first
    // Which of them counts depends on the release of transformers.
    const { directory } = this.checkpoint
    throw badFormat(`${directory} holds the tensor ${name} twice, as ${first} and as ${second}; expected one of them`)
  }

  /** What a tied embedding or head has in the checkpoint under the other's name. */
  #twin(name: string): string | undefined {
    const { embedding, head, tiedHead } = this.architecture
    if (!tiedHead || (name !== embedding && name !== head)) return undefined
    return this.#stored(name === embedding ? head : embedding)
  }
}
