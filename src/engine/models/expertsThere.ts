import { decodeFloats } from '../formats/dtypes'
import { elementCount } from '../formats/tensorInfo'
import { tensorFits } from '../graph/largestTensor'
import { DeviceTensor, type Feeds, giveBack, type Tensor } from '../graph/session'
import { bytesOf } from '../numerics/bytesOf'
import type { ReadExpert, StoredMatrix } from './expertWeights'
import type { PackedMatrix, PackedUploads } from './packedUploads'

/** An expert's tensors by the names of the graph's inputs, here or on the device. */
type Carried = Readonly<Record<string, Tensor | DeviceTensor | PackedMatrix>>

/**
 * The experts of the block at hand where batches take them. On a device that keeps tensors those that come first stay there, as
 * many as there is room for, as the bits that they are stored in: each is read and carried once for all batches of all streams.
 * They leave when experts of another reader are asked for. Those without room travel for every batch, as their bits.
 */
export class ExpertsThere {
  #reader: ReadExpert | undefined
  readonly #lying = new Map<number, Carried>()
  #left: number
  /** What one expert takes there, as far as one was seen, bytes. */
  #size = 0
  /** Of the experts that were seen, whether they are carried as bits: those of others are asked for as values. */
  readonly #packable = new Map<number, boolean>()

  /** @param room - bytes of the device's memory */
  constructor(
    private readonly uploads: PackedUploads,
    private readonly room: number
  ) {
    this.#left = room
  }

  /**
   * Does work with an expert's tensors as graphs take them, which hold until it is done.
   *
   * @throws {AppError} what reading throws; DEVICE with the library's reason when the device fails
   */
  async with<T>(read: ReadExpert, expert: number, work: (tensors: Feeds) => Promise<T>): Promise<T> {
    if (!this.uploads.memory.keepsTensors) return work(await read(expert))
    this.#serve(read)
    const lies = this.#lying.get(expert) ?? (await this.#carried(read, expert))
    const made: DeviceTensor[] = []
    try {
      const tensors: Record<string, Tensor | DeviceTensor> = {}
      for (const [input, tensor] of Object.entries(lies)) {
        const taken = 'words' in tensor ? await this.uploads.unpacked(tensor) : tensor
        if (taken instanceof DeviceTensor && taken !== tensor) made.push(taken)
        tensors[input] = taken
      }
      return await work(tensors)
    } finally {
      giveBack(made)
    }
  }

  giveBack(): void {
    for (const carried of this.#lying.values()) giveBackAll(carried)
    this.#lying.clear()
    this.#packable.clear()
    this.#left = this.room
    this.#reader = undefined
  }

  #serve(read: ReadExpert): void {
    if (this.#reader === read) return
    this.giveBack()
    this.#reader = read
  }

  /** An expert that was read for it: on the device from now on if it has room there. */
  async #carried(read: ReadExpert, expert: number): Promise<Carried> {
    const once = this.#left > 0 && this.#size <= this.#left
    const tensors = await read(expert, { bits: this.#packable.get(expert) !== false, once })
    const packed: Record<string, Tensor | PackedMatrix> = {}
    for (const [input, tensor] of Object.entries(tensors)) {
      packed[input] = 'data' in tensor ? tensor : await this.#packed(tensor, expert)
    }
    return (await this.#laid(expert, packed)) ?? packed
  }

  async #packed({ bits, shape }: StoredMatrix, expert: number): Promise<Tensor | PackedMatrix> {
    const [rows = 0, columns = 0] = shape
    const packed = await this.uploads.packed(bits, rows, columns, this.#packable.get(expert))
    if (packed !== undefined) return packed
    this.#packable.set(expert, false)
    const data = new Float32Array(bits.data.length)
    decodeFloats(bytesOf(bits.data), bits.dtype, data)
    return { data, shape }
  }

  /** The same on the device; undefined where it has no room there. */
  async #laid(expert: number, packed: Readonly<Record<string, Tensor | PackedMatrix>>): Promise<Carried | undefined> {
    if (this.#packable.get(expert) === undefined) this.#packable.set(expert, true)
    const matrices = Object.values(packed).filter(isMatrix)
    this.#size = matrices.reduce((sum, matrix) => sum + bytesThere(matrix), 0)
    if (this.#size > this.#left) return undefined
    for (const matrix of matrices)
      if (!(await tensorFits(this.uploads.memory.device, bytesThere(matrix)))) return undefined
    const there: Record<string, Tensor | DeviceTensor | PackedMatrix> = {}
    try {
      for (const [input, tensor] of Object.entries(packed)) there[input] = await this.#lay(tensor)
    } catch (error) {
      giveBackAll(there)
      throw error
    }
    this.#left -= this.#size
    this.#lying.set(expert, there)
    return there
  }

  async #lay(tensor: Tensor | PackedMatrix): Promise<Tensor | DeviceTensor | PackedMatrix> {
    if ('words' in tensor) return this.uploads.laid(tensor)
    // What stays here would be read over.
    return isMatrix(tensor) ? this.uploads.memory.upload(tensor) : { ...tensor, data: tensor.data.slice() }
  }
}

const isMatrix = (tensor: Tensor | PackedMatrix): boolean => 'words' in tensor || tensor.shape.length === 2

const bytesThere = (tensor: Tensor | PackedMatrix): number =>
  4 * elementCount('words' in tensor ? tensor.words.shape : tensor.shape)

function giveBackAll(carried: Carried): void {
  giveBack(Object.values(carried).map((tensor) => ('words' in tensor ? tensor.words : tensor)))
}
