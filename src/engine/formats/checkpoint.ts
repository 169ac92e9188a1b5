import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { badFormat, badInput } from '../../shared/errors'
import { bytesOf } from '../numerics/bytesOf'
import { firstNonFinite } from '../numerics/matrix'
import { assertCheckpoint, findWeights, readAnyConfig, readConfig } from './checkpointFiles'
import { type Dtype, decodeFloats, dtypeBytes, FLOAT_DTYPES, firstNonFiniteStored, isFloatDtype } from './dtypes'
import { listDirectory } from './files'
import { MAX_TENSORS, READ_PIECE_BYTES } from './limits'
import { type CheckpointTensor, collectTensors } from './shards'
import { elementCount } from './tensorInfo'
import { WeightFile } from './weightFile'

/** A weight file of a checkpoint: its name, length, and number of tensors. */
export interface CheckpointFile {
  readonly name: string
  readonly bytes: number
  readonly tensors: number
}

/** Elements of a tensor as a file has them, 16 bits each. */
export interface StoredBits {
  readonly dtype: 'BF16' | 'F16'
  readonly data: Uint16Array
}

/** Elements as float32, and as they are stored where these are 16 bits each. */
export interface FloatsWithBits {
  readonly values: Float32Array
  readonly bits?: StoredBits
}

/**
 * A local Hugging Face checkpoint: its config, and its weights read by ranges.
 *
 * No file is ever held in memory whole, mapped, or written. Every weight that is read is checked to be finite.
 */
export class Checkpoint {
  readonly files: readonly CheckpointFile[]
  /** Bytes of all weight files. */
  readonly bytes: number
  /** Elements of all tensors. */
  readonly parameters: number
  readonly #files: ReadonlyMap<string, WeightFile>
  #piece: Uint8Array | undefined
  #row = new Uint8Array(0)

  private constructor(
    readonly directory: string,
    readonly config: Readonly<Record<string, unknown>>,
    /** Digest of config.json as it was read. */
    readonly configSha256: string,
    readonly tensors: ReadonlyMap<string, CheckpointTensor>,
    /** Tensors of the same names in earlier shards, which nothing reads. */
    readonly replaced: readonly CheckpointTensor[],
    files: readonly WeightFile[]
  ) {
    this.#files = new Map(files.map((file) => [file.name, file]))
    this.files = files.map(({ name, header }) => ({ name, bytes: header.fileBytes, tensors: header.tensors.size }))
    this.bytes = this.files.reduce((sum, file) => sum + file.bytes, 0)
    this.parameters = [...tensors.values()].reduce((sum, tensor) => sum + elementCount(tensor.shape), 0)
  }

  /**
   * Opens the weight files that `findWeights` finds, and checks every header.
   *
   * @throws {AppError} BAD_INPUT for a directory that is no usable checkpoint, BAD_FORMAT for a damaged one
   */
  static open(directory: string): Promise<Checkpoint> {
    return Checkpoint.#open(directory, readConfig)
  }

  /**
   * `open`, and a checkpoint of quantized weights too: its config says which it is.
   *
   * @throws {AppError} as `open`
   */
  static openAny(directory: string): Promise<Checkpoint> {
    return Checkpoint.#open(directory, readAnyConfig)
  }

  static async #open(directory: string, configOf: typeof readConfig): Promise<Checkpoint> {
    const absolute = resolve(directory)
    const names = await listDirectory(absolute, 'model directory')
    assertCheckpoint(absolute, names)
    const { config, configSha256 } = await configOf(absolute)
    const weights = await findWeights(absolute, names, config)
    const files: WeightFile[] = []
    try {
      for (const name of weights) {
        files.push(await WeightFile.open(resolve(absolute, name)))
        assertFewTensors(files, absolute)
      }
      const { tensors, replaced } = collectTensors(files)
      return new Checkpoint(absolute, config, configSha256, tensors, replaced, files)
    } catch (error) {
      await Promise.all(files.map((file) => file.close()))
      throw error
    }
  }

  has(name: string): boolean {
    return this.tensors.has(name)
  }

  dtypeOf(name: string): Dtype {
    return this.#tensor(name).dtype
  }

  /**
   * Reads a whole tensor, widened to float32.
   *
   * @returns elements in row-major order
   * @throws {AppError} BAD_FORMAT for an unknown name or a dtype other than F32, BF16, F16; also for a NaN or an
   *   infinity, with its place; IO if the file cannot be read
   */
  async readFloat32(name: string): Promise<Float32Array> {
    const tensor = this.#tensor(name)
    return await this.#readElements(tensor, 0, elementCount(tensor.shape))
  }

  /** As `readFloat32`, with the bits of a tensor that is stored in 16 of them. @throws {AppError} as `readFloat32` */
  async readWithBits(name: string): Promise<FloatsWithBits> {
    const tensor = this.#tensor(name)
    return this.#readWithBits(tensor, 0, elementCount(tensor.shape))
  }

  /** As `readRows`, with the bits of a tensor that is stored in 16 of them. @throws {AppError} as `readRows` */
  async readRowsWithBits(name: string, firstRow: number, rowCount: number): Promise<FloatsWithBits> {
    const tensor = this.#tensor(name)
    const columns = this.#columns(tensor, firstRow, rowCount)
    return this.#readWithBits(tensor, firstRow * columns, rowCount * columns)
  }

  async #readWithBits(tensor: CheckpointTensor, first: number, count: number): Promise<FloatsWithBits> {
    const dtype = floatDtypeOf(tensor, this.directory)
    if (dtype === 'F32') return { values: await this.#readElements(tensor, first, count) }
    const data = this.#room(tensor, count, Uint16Array)
    const values = await this.#readElements(tensor, first, count, undefined, bytesOf(data))
    return { values, bits: { dtype, data } }
  }

  /**
   * Reads a whole tensor as it is stored, or its first bytes.
   *
   * @returns elements in row-major order, little-endian
   * @throws {AppError} BAD_FORMAT for an unknown name, IO if the file cannot be read
   */
  async readBytes(name: string, most = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    const tensor = this.#tensor(name)
    const bytes = this.#room(tensor, Math.min(most, tensor.end - tensor.begin), Uint8Array)
    await this.#fileOf(tensor).read(bytes, tensor.begin)
    return bytes
  }

  /**
   * Reads consecutive rows of a matrix, widened to float32.
   *
   * @returns [rowCount, columns], row-major
   * @throws {AppError} as `readFloat32`, and BAD_INPUT for rows that the matrix does not have
   */
  async readRows(name: string, firstRow: number, rowCount: number): Promise<Float32Array> {
    const tensor = this.#tensor(name)
    const columns = this.#columns(tensor, firstRow, rowCount)
    return await this.#readElements(tensor, firstRow * columns, rowCount * columns)
  }

  /**
   * Reads consecutive elements of a tensor, widened to float32.
   *
   * @param into - where they are put; a new array when left out
   * @throws {AppError} as `readFloat32`, and BAD_INPUT for elements that the tensor does not have
   */
  async readPart(name: string, first: number, count: number, into?: Float32Array): Promise<Float32Array> {
    return await this.#readElements(this.#tensorWith(name, first, count), first, count, into)
  }

  /**
   * The same as they are stored, of a tensor that is stored in 16 bits: nothing is widened.
   *
   * @returns undefined for one that is stored otherwise
   * @throws {AppError} as `readPart`
   */
  async readPartBits(name: string, first: number, count: number, into?: Uint16Array): Promise<StoredBits | undefined> {
    const tensor = this.#tensorWith(name, first, count)
    const dtype = floatDtypeOf(tensor, this.directory)
    if (dtype === 'F32') return undefined
    const data = into ?? this.#room(tensor, count, Uint16Array)
    const stored = bytesOf(data)
    await this.#fileOf(tensor).read(stored, tensor.begin + first * dtypeBytes(dtype))
    const index = firstNonFiniteStored(stored, dtype)
    if (index >= 0) await this.#readElements(tensor, first + index, 1) // which says what it holds
    return { dtype, data }
  }

  /**
   * Reads one row of a matrix into target[offset …], without a promise, for embeddings looked up token by token.
   *
   * @throws {AppError} as `readRows`
   */
  readRow(name: string, row: number, target: Float32Array, offset: number): void {
    const tensor = this.#tensor(name)
    const columns = this.#columns(tensor, row, 1)
    const dtype = floatDtypeOf(tensor, this.directory)
    const bytes = columns * dtypeBytes(dtype)
    if (this.#row.byteLength < bytes) this.#row = new Uint8Array(bytes)
    const stored = this.#row.subarray(0, bytes)
    this.#fileOf(tensor).readSync(stored, tensor.begin + row * bytes)
    const values = target.subarray(offset, offset + columns)
    decodeFloats(stored, dtype, values)
    this.#assertFinite(tensor, values, row * columns)
  }

  /**
   * Where a tensor first holds a NaN or an infinity, by its bits alone: twice as fast as reading its values.
   *
   * @returns flat index, or −1
   * @throws {AppError} as `readFloat32`, but for values that are not finite; whatever the signal aborts with
   */
  async firstNonFinite(name: string, signal?: AbortSignal): Promise<number> {
    const tensor = this.#tensor(name)
    const dtype = floatDtypeOf(tensor, this.directory)
    for await (const { stored, at } of this.#pieces(tensor, signal)) {
      const index = firstNonFiniteStored(stored, dtype)
      if (index >= 0) return at / dtypeBytes(dtype) + index
    }
    return -1
  }

  /**
   * SHA-256 of a tensor as it is stored, in hexadecimal.
   *
   * @param finite - checks its values in the same reading
   * @throws {AppError} as `readFloat32`; whatever the signal aborts with
   */
  async digest(name: string, finite: boolean, signal?: AbortSignal): Promise<string> {
    const tensor = this.#tensor(name)
    const dtype = finite ? floatDtypeOf(tensor, this.directory) : undefined
    const hash = createHash('sha256')
    for await (const { stored, at } of this.#pieces(tensor, signal)) {
      hash.update(stored)
      const index = dtype === undefined ? -1 : firstNonFiniteStored(stored, dtype)
      // Which says what it holds.
      if (dtype !== undefined && index >= 0) await this.#readElements(tensor, at / dtypeBytes(dtype) + index, 1)
    }
    return hash.digest('hex')
  }

  /** The bytes of a tensor, a piece at a time, and where in it they begin; each holds until the next one is read. */
  async *#pieces(tensor: CheckpointTensor, signal?: AbortSignal): AsyncGenerator<{ stored: Uint8Array; at: number }> {
    const bytes = tensor.end - tensor.begin
    const piece = new Uint8Array(Math.min(READ_PIECE_BYTES, bytes))
    for (let at = 0; at < bytes; at += piece.length) {
      signal?.throwIfAborted()
      const stored = piece.subarray(0, Math.min(piece.length, bytes - at))
      await this.#fileOf(tensor).read(stored, tensor.begin + at)
      yield { stored, at }
    }
  }

  /**
   * Checks a whole tensor.
   *
   * @throws {AppError} as `readFloat32`; whatever the signal aborts with
   */
  async assertFinite(name: string, signal?: AbortSignal): Promise<void> {
    const index = await this.firstNonFinite(name, signal)
    if (index >= 0) await this.#readElements(this.#tensor(name), index, 1) // which says what it holds
  }

  /** Names, lengths and times of change of the weight files, as they were opened. */
  get stamp(): string {
    return [...this.#files.values()].map(({ name, stamp }) => `${name} ${stamp.written} ${stamp.touched}`).join('\n')
  }

  /** Whether anything about a weight file has changed since the checkpoint was opened. */
  async isTouched(): Promise<boolean> {
    for (const file of this.#files.values()) if (await file.isTouched()) return true
    return false
  }

  /** @throws {AppError} BAD_INPUT naming the file that was written to since the checkpoint was opened */
  async assertUnchanged(): Promise<void> {
    for (const file of this.#files.values()) await file.assertUnchanged()
  }

  /** Paths of weight files that were replaced by others, or removed, since the checkpoint was opened; it goes on with its own. */
  async filesReplaced(): Promise<string[]> {
    const found: string[] = []
    for (const file of this.#files.values()) if (!(await file.isInPlace())) found.push(file.path)
    return found
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.close()))
  }

  #tensor(name: string): CheckpointTensor {
    const tensor = this.tensors.get(name)
    if (tensor === undefined) throw badFormat(`${this.directory} has no tensor ${JSON.stringify(name)}`)
    return tensor
  }

  #tensorWith(name: string, first: number, count: number): CheckpointTensor {
    const tensor = this.#tensor(name)
    const last = first + count
    if (first >= 0 && last <= elementCount(tensor.shape)) return tensor
    throw badInput(
      `${this.directory}: elements ${first} to ${last - 1} of ${name} asked for, its shape is [${tensor.shape}]`
    )
  }

  #fileOf(tensor: CheckpointTensor): WeightFile {
    return this.#files.get(tensor.file) as WeightFile // every tensor was taken from the header of an open file
  }

  /** Columns of a matrix, after checking that it has the rows asked for. */
  #columns(tensor: CheckpointTensor, firstRow: number, rowCount: number): number {
    const [rows, columns, ...rest] = tensor.shape
    if (rows === undefined || columns === undefined || rest.length > 0) {
      throw badFormat(`${this.directory}: tensor ${tensor.name} has shape [${tensor.shape}], a matrix was expected`)
    }
    const valid = Number.isInteger(firstRow) && Number.isInteger(rowCount) && firstRow >= 0 && rowCount >= 0
    if (valid && firstRow + rowCount <= rows) return columns
    const asked = rowCount === 1 ? `row ${firstRow}` : `rows ${firstRow} to ${firstRow + rowCount - 1}`
    throw badInput(`${this.directory}: ${asked} of ${tensor.name} asked for, it has ${rows} rows`)
  }

  /** @param kept - where the bytes of elements that are not float32 are put, of all of them; else they are let go */
  async #readElements(
    tensor: CheckpointTensor,
    first: number,
    count: number,
    values: Float32Array = this.#room(tensor, count, Float32Array),
    kept?: Uint8Array
  ): Promise<Float32Array> {
    const dtype = floatDtypeOf(tensor, this.directory)
    const width = dtypeBytes(dtype)
    const file = this.#fileOf(tensor)
    const piece = this.#piece ?? new Uint8Array(READ_PIECE_BYTES)
    this.#piece = undefined // a second read that starts before this one ends takes a piece of its own
    for (let done = 0; done < count; ) {
      const part = values.subarray(done, done + Math.min(count - done, READ_PIECE_BYTES / width))
      const own = kept?.subarray(done * width, (done + part.length) * width) ?? piece.subarray(0, part.length * width)
      const stored = dtype === 'F32' ? bytesOf(part) : own
      await file.read(stored, tensor.begin + (first + done) * width)
      if (dtype !== 'F32') decodeFloats(stored, dtype, part)
      this.#assertFinite(tensor, part, first + done)
      done += part.length
    }
    this.#piece = piece
    return values
  }

  /** @throws {AppError} BAD_INPUT where memory does not hold as much, or no array does */
  #room<T>(tensor: CheckpointTensor, count: number, ArrayOf: new (length: number) => T): T {
    try {
      return new ArrayOf(count)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      const { path } = this.#fileOf(tensor)
      throw badInput(`${path}: tensor ${tensor.name} of shape [${tensor.shape}] is more than memory holds at once`)
    }
  }

  #assertFinite(tensor: CheckpointTensor, values: Float32Array, first: number): void {
    const index = firstNonFinite(values)
    if (index < 0) return
    const found = `${values[index]} at ${placeText(tensor.shape, first + index)}`
    throw badFormat(`${this.#fileOf(tensor).path}: tensor ${tensor.name} holds ${found}; weights must be finite`)
  }
}

/** Where an element of a tensor is: `row 2, column 5`, or its index in each dimension; from 0, as in Python. */
export function placeText(shape: readonly number[], flat: number): string {
  const index: number[] = []
  let rest = flat
  for (const size of [...shape].reverse()) {
    index.unshift(rest % size)
    rest = Math.floor(rest / size)
  }
  const [row, column] = index
  return index.length === 2 ? `row ${row}, column ${column}` : `index [${index.join(', ')}]`
}

function floatDtypeOf(tensor: CheckpointTensor, directory: string): (typeof FLOAT_DTYPES)[number] {
  if (isFloatDtype(tensor.dtype)) return tensor.dtype
  const accepted = FLOAT_DTYPES.join(', ')
  throw badFormat(`${directory}: tensor ${tensor.name} has dtype ${tensor.dtype}; ${accepted} are accepted`)
}

/** Before the next file is read: many files at the limit of one would take all memory. */
function assertFewTensors(files: readonly WeightFile[], directory: string): void {
  const tensors = files.reduce((sum, { header }) => sum + header.tensors.size, 0)
  if (tensors > MAX_TENSORS)
    throw badFormat(`${directory} holds ${tensors} tensors in ${files.length} files; at most ${MAX_TENSORS} are read`)
}
