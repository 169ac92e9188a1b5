import { badFormat } from '../../shared/errors'
import type { Checkpoint, FloatsWithBits, StoredBits } from '../formats/checkpoint'
import type { CheckpointTensor } from '../formats/shards'
import { elementCount } from '../formats/tensorInfo'
import { transposed } from '../numerics/matrix'
import { type EmbeddingTable, embeddingTables, type ModelArchitecture } from './architecture'
import type { LinearSpec, ParameterSpec } from './layerBuilder'

/** Some consecutive elements of a tensor of this name and shape. */
export interface TensorPart {
  readonly name: string
  readonly shape: readonly number[]
  readonly first: number
  readonly count: number
  /** Where rows of a matrix are stored as columns: `first` is that of the matrix, of whose columns `columns` values each are read. */
  readonly turned?: { readonly columns: number; readonly width: number; readonly from: number }
}

/** One of many matrices in a tensor [count, rows, columns], or some rows of it. */
export interface StackedPart {
  readonly name: string
  readonly shape: readonly [count: number, rows: number, columns: number]
  readonly index: number
  readonly from: number
  readonly rows: number
  /** Whether files may have every matrix turned, [count, columns, rows]. */
  readonly turnable?: boolean
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

  /** The tensors whose rows, behind each other, are a tensor of the model: one, where files do not cut it. As `find`. */
  findAll(name: string, shape: readonly number[]): CheckpointTensor[] {
    const pieces = this.#pieces(name)
    if (pieces === undefined) return [this.find(name, shape)]
    const found = pieces.map((piece) => {
      const tensor = this.checkpoint.tensors.get(piece)
      if (tensor === undefined) throw badFormat(`${this.checkpoint.directory}: tensor ${piece} is missing`)
      return tensor
    })
    const [rows = 0, ...row] = shape
    const inAll = found.reduce((sum, tensor) => sum + (tensor.shape[0] ?? 0), 0)
    if (inAll === rows && found.every((tensor) => tensor.shape.slice(1).join() === row.join())) return found
    const shapes = found.map((tensor) => `[${tensor.shape}]`).join(', ')
    const where = `${this.checkpoint.directory}: tensors ${pieces.join(', ')} have shapes ${shapes}`
    throw badFormat(`${where}, config.json asks for [${shape}] in all`)
  }

  /** A whole tensor as float32. */
  async read(name: string, shape: readonly number[]): Promise<Float32Array> {
    const [first, ...others] = this.findAll(name, shape) as [CheckpointTensor, ...CheckpointTensor[]]
    if (others.length === 0) return await this.checkpoint.readFloat32(first.name)
    const joined = new Float32Array(elementCount(shape))
    let at = 0
    for (const tensor of [first, ...others]) {
      joined.set(await this.checkpoint.readFloat32(tensor.name), at)
      at += elementCount(tensor.shape)
    }
    return joined
  }

  /** What the checkpoint holds for a parameter of a graph. */
  readonly readParameter: ReadParameter = ({ name, shape }) => this.read(name, shape)

  /** Some consecutive elements of a tensor that lies in one piece as float32, in an array that is given or in a new one. */
  async readPart({ name, shape, first, count, turned }: TensorPart, into?: Float32Array): Promise<Float32Array> {
    const stored = this.find(name, shape).name
    if (turned === undefined) return this.checkpoint.readPart(stored, first, count, into)
    const { columns, width, from } = turned
    const matrix = await this.checkpoint.readPart(stored, first, columns * width)
    const { data } = transposed({ data: matrix, rows: columns, cols: width })
    const values = data.subarray(from * columns, from * columns + count)
    if (into === undefined) return values
    into.set(values)
    return into
  }

  /** The same as its bits, which it has where it is stored in 16 of them and the right way round. */
  async readPartBits(part: TensorPart, into?: Uint16Array): Promise<StoredBits | undefined> {
    const { name, shape, first, count, turned } = part
    return turned === undefined
      ? await this.checkpoint.readPartBits(this.find(name, shape).name, first, count, into)
      : undefined
  }

  /** Where rows of one of many matrices lie, whichever way round the files have them. */
  stackedPart({ name, shape, index, from, rows, turnable = false }: StackedPart): TensorPart {
    const [count, width, columns] = shape
    const turnedShape = [count, columns, width]
    const part = { name, shape, count: rows * columns }
    const stored = this.checkpoint.tensors.get(this.storedName(name))
    const turned = turnable && stored?.shape.join() === turnedShape.join() && turnedShape.join() !== shape.join()
    if (!turned) return { ...part, first: (index * width + from) * columns }
    return { ...part, shape: turnedShape, first: index * width * columns, turned: { columns, width, from } }
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

  /** The first values of a linear's weight, row-major; the whole is read only where it is stored turned or in pieces. */
  async readLinearBeginning(path: string, linear: LinearShape, count: number): Promise<Float32Array> {
    const [first, ...others] = this.findAll(`${path}.weight`, storedShape(linear))
    if (first === undefined || others.length > 0 || linear.transposed)
      return (await this.readLinear(path, linear)).subarray(0, count)
    return this.checkpoint.readPart(first.name, 0, count)
  }

  /**
   * The same with its bits, which it has where it is stored as [out, in] in 16 of them.
   *
   * @param wanted - whether they are
   */
  async readLinearWithBits(path: string, linear: LinearShape, wanted = true): Promise<FloatsWithBits> {
    if (linear.transposed || !wanted) return { values: await this.readLinear(path, linear) }
    return this.checkpoint.readWithBits(this.find(`${path}.weight`, storedShape(linear)).name)
  }

  /** Rows of the embedding or the head, [rows, embeddingSize], as float32. */
  readVocabularyRows(name: string, begin: number, end: number): Promise<Float32Array> {
    return this.checkpoint.readRows(this.#vocabularyTensor(name), begin, end - begin)
  }

  /** The same with their bits, which they have where they are stored in 16 of them. */
  readVocabularyRowsWithBits(name: string, begin: number, end: number): Promise<FloatsWithBits> {
    return this.checkpoint.readRowsWithBits(this.#vocabularyTensor(name), begin, end - begin)
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

  /** The names in the checkpoint of what a tensor lies in, several where files cut it. As `storedName`. */
  storedNames(name: string): readonly string[] {
    return this.#pieces(name) ?? [this.storedName(name)]
  }

  /** The names in the checkpoint of a tensor that is cut there, be some missing; undefined where it is whole. */
  #pieces(name: string): string[] | undefined {
    const names = this.architecture.cutInto?.(name)
    const found = names?.flatMap((piece) => this.#stored(piece) ?? [])
    const [first] = found ?? []
    if (names === undefined || first === undefined) return undefined
    const whole = this.#stored(name)
    if (whole !== undefined) throw this.#twice(name, first, whole)
    return names.map((piece) => this.#stored(piece) ?? piece)
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
    if (second === undefined || first === undefined) return first
    throw this.#twice(name, first, second)
  }

  /** Which of two counts depends on the release of transformers. */
  #twice(name: string, first: string, second: string) {
    const { directory } = this.checkpoint
    return badFormat(`${directory} holds the tensor ${name} twice, as ${first} and as ${second}; expected one of them`)
  }

  /** What a tied embedding or head has in the checkpoint under the other's name. */
  #twin(name: string): string | undefined {
    const { embedding, head, tiedHead } = this.architecture
    if (!tiedHead || (name !== embedding && name !== head)) return undefined
    return this.#stored(name === embedding ? head : embedding)
  }
}
