import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SolvedBlock } from '../../shared/runFolder'
import { fileError, readAll, sha256File, writeAll } from '../formats/files'
import type { DeviceTensor } from '../graph/session'
import type { BatchStates } from '../models/blockRunner'
import { ResidentStates } from '../models/residentStates'
import { bytesOf } from '../numerics/bytesOf'
import { hiddenBytes, type RowRange } from '../prepare/streamShapes'

export type SpoolEntry = SolvedBlock['spool'][number]

export interface HiddenStatesShape {
  /** Name of the stream, part of its file names. */
  readonly stream: string
  readonly rows: number
  readonly context: number
  readonly width: number
  /** All rows, in order. */
  readonly ranges: readonly RowRange[]
}

/** A generation of states on its way to the disk. */
interface Writing {
  readonly file: string
  readonly handle: FileHandle
  readonly hash: Hash
  bytes: number
  /** Settled when the last batch is on the disk. */
  written: Promise<void>
}

/**
 * The hidden states of one stream of rows between two blocks: float32 [rows · context, width].
 *
 * Each block replaces them, batch by batch in order. The new ones always go to a file of their own, so that a killed run
 * finds the states after its last finished block; above the memory budget the file is also where they are read from. Beside
 * that, those of some batches may lie on the device on which the blocks are computed.
 */
export class HiddenStates {
  readonly #memory: Float32Array | undefined
  readonly #resident: ResidentStates
  /** Generations before the current one that still lie in the folder, the oldest first. */
  #previous: SpoolEntry[] = []
  #current: SpoolEntry | undefined
  #writing: Writing | undefined

  /** @param room - bytes of the device's memory that they may take */
  constructor(
    private readonly folder: string,
    readonly shape: HiddenStatesShape,
    inMemory: boolean,
    room = 0
  ) {
    const { ranges, context, width } = shape
    const sizes = ranges.map(([begin, end]) => hiddenBytes({ rows: end - begin, context, width }))
    this.#resident = new ResidentStates(sizes, room)
    if (inMemory) this.#memory = new Float32Array(shape.rows * shape.context * shape.width)
  }

  /** What they take of the memory budget. */
  get memoryBytes(): number {
    return this.#memory?.byteLength ?? 0
  }

  /** What they may take of the device's memory. */
  get deviceBytes(): number {
    return this.#resident.bytes
  }

  /** What the journal says of them; undefined before there are any. */
  get entry(): SpoolEntry | undefined {
    return this.#current
  }

  /** How many blocks they have gone through. */
  get generation(): number {
    return generationOf(this.#current?.file ?? '')
  }

  get batches(): number {
    return this.shape.ranges.length
  }

  /** Rows [begin, end) of a batch. */
  rowsOf(batch: number): RowRange {
    return this.shape.ranges[batch] as RowRange
  }

  /** One batch's states, [rows in the batch · context, width]. */
  read(batch: number): Promise<Float32Array> {
    return this.readPositions(...this.positionsOf(batch))
  }

  /** The same as a block takes them: from where they lie on the device, else read. */
  async feed(batch: number): Promise<BatchStates> {
    return this.there(batch) ?? (await this.read(batch))
  }

  /** One batch's states on the device, where they lie there: they stay its own. */
  there(batch: number): DeviceTensor | undefined {
    return this.#resident.of(batch)
  }

  /** Whether a batch's next states are to stay on the device. */
  stays(batch: number): boolean {
    return this.#resident.fits(batch)
  }

  /** Gives back what lies on the device; the states are here as before. */
  leaveDevice(): void {
    this.#resident.giveBack()
  }

  /** The states of positions [begin, end), counted through all rows: [end − begin, width]. */
  async readPositions(begin: number, end: number): Promise<Float32Array> {
    const { width } = this.shape
    if (this.#memory !== undefined) return this.#memory.subarray(begin * width, end * width)
    const values = new Float32Array((end - begin) * width)
    await fill(new Uint8Array(values.buffer), join(this.folder, this.#current?.file ?? ''), begin * width * 4)
    return values
  }

  /** Gives the generation up that is being written, and goes back to the one before. */
  async revert(): Promise<void> {
    const file = this.#writing?.file
    this.leaveDevice()
    await this.abandon()
    if (file === undefined) return
    await rm(join(this.folder, file), { force: true })
    if (this.#memory !== undefined && this.#current !== undefined)
      await fill(new Uint8Array(this.#memory.buffer), join(this.folder, this.#current.file), 0)
  }

  /** Closes a half-written file after a failure, and leaves the device; it is swept away when the run is resumed. */
  async abandon(): Promise<void> {
    this.leaveDevice()
    await this.#writing?.written.catch(() => undefined)
    await this.#writing?.handle.close()
    this.#writing = undefined
  }

  /** Opens the file for the next generation of states. */
  async begin(generation: number): Promise<void> {
    const file = this.#fileOf(generation)
    const handle = await open(join(this.folder, file), 'w')
    this.#writing = { file, handle, hash: createHash('sha256'), bytes: 0, written: Promise.resolve() }
  }

  /**
   * Replaces one batch; batches come in order. It may still be on its way to the disk, while the next one is computed: its
   * values must stay what they are, and a failure is told with the next batch or by `finish`.
   *
   * @param there - the same on the device, which they own from here on, be it that this fails
   * @throws {AppError} IO, naming the file
   */
  async write(batch: number, values: Float32Array, there?: DeviceTensor): Promise<void> {
    this.#resident.put(batch, there)
    const writing = this.#writing
    if (writing === undefined) throw new Error('HiddenStates.write before begin')
    await writing.written
    const bytes = bytesOf(values)
    writing.written = writeAll(writing.handle, bytes).catch((error: unknown) => {
      throw fileError(error, join(this.folder, writing.file))
    })
    writing.written.catch(() => undefined) // told where it is awaited
    writing.hash.update(bytes)
    writing.bytes += bytes.length
    this.#memory?.set(values, this.positionsOf(batch)[0] * this.shape.width)
  }

  /** Completes the new generation; the previous file stays until `dropPrevious`. @throws {AppError} IO, naming the file */
  async finish(): Promise<SpoolEntry> {
    if (this.#writing === undefined) throw new Error('HiddenStates.finish before begin')
    const { file, handle, hash, bytes, written } = this.#writing
    await written
    await handle.close()
    this.#writing = undefined
    const entry = { stream: this.shape.stream, file, bytes, sha256: hash.digest('hex') }
    if (this.#current !== undefined) this.#previous.push(this.#current)
    this.#current = entry
    return entry
  }

  /** Removes the states of generations before, once the journal no longer needs them. */
  async dropPrevious(): Promise<void> {
    for (const { file } of this.#previous.splice(0)) await rm(join(this.folder, file), { force: true })
  }

  /** Removes those between the generation that the journal needs and the current one. */
  async dropBetween(): Promise<void> {
    for (const { file } of this.#previous.splice(1)) await rm(join(this.folder, file), { force: true })
  }

  /** Takes up the states that an earlier process left; false when they are not what the journal says. */
  async restore(entry: SpoolEntry): Promise<boolean> {
    const path = join(this.folder, entry.file)
    this.leaveDevice()
    const intact = await sha256File(path).then(
      (digest) => digest === entry.sha256,
      () => false
    )
    if (!intact || entry.bytes !== hiddenBytes(this.shape)) return false
    this.#current = entry
    if (this.#memory !== undefined) await fill(new Uint8Array(this.#memory.buffer), path, 0)
    return true
  }

  /** Whether a file of the folder is one of this stream's. */
  owns(file: string): boolean {
    return file === this.#fileOf(generationOf(file))
  }

  #fileOf(generation: number): string {
    return `${this.shape.stream}.${generation}.bin`
  }

  /** Positions [begin, end) of a batch, counted through all rows. */
  positionsOf(batch: number): [number, number] {
    const [begin, end] = this.rowsOf(batch)
    return [begin * this.shape.context, end * this.shape.context]
  }
}

const generationOf = (file: string): number => Number(/\.(\d+)\.bin$/.exec(file)?.[1])

/** Fills `target` with the bytes of a file of hidden states from `position` on. */
async function fill(target: Uint8Array, path: string, position: number): Promise<void> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw fileError(error, path)
  })
  try {
    await readAll(handle, target, position, path)
  } finally {
    await handle.close()
  }
}
