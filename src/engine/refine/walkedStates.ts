import { DeviceTensor } from '../graph/session'
import type { BatchStates } from '../models/blockRunner'
import { ResidentStates } from '../models/residentStates'
import { bytesOf } from '../numerics/bytesOf'
import { floatsOf, type Shelf } from './shelf'

/**
 * Hidden states of some batches on their way through all blocks. What a block puts out stays on the device for the next one, as
 * far as there is room, and there alone; with a shelf, the states before each block are kept for the way back: on the device, or
 * where they do not stay there, on the shelf.
 */
export class WalkedStates {
  #states: Float32Array[] = []
  #resident = new ResidentStates([], 0)
  /** On the way back, the gradients at the states behind the block at hand. */
  #gradients = new ResidentStates([], 0)

  /** @param room - bytes of the device's memory */
  constructor(
    private readonly room: number,
    private readonly shelf?: Shelf
  ) {}

  /** @param states - of each batch, before the first of so many blocks */
  begin(states: readonly Float32Array[], blocks: number): void {
    this.leaveDevice()
    this.#states = [...states]
    const sizes = states.map(({ byteLength }) => byteLength)
    if (this.shelf === undefined) {
      this.#resident = new ResidentStates(sizes, this.room)
      return
    }
    this.#gradients = new ResidentStates(sizes, this.room)
    // Those before the first block were never there.
    const kept = Array.from({ length: blocks }, () => sizes).flat()
    this.#resident = new ResidentStates([...sizes.map(() => 0), ...kept], this.room - this.#gradients.bytes)
  }

  /**
   * Takes a batch through a block.
   *
   * @param stays - whether what comes out may stay on the device
   * @param compute - is given the states before the block, and whether those behind it are to stay
   */
  async through(
    block: number,
    batch: number,
    stays: boolean,
    compute: (hidden: BatchStates, stays: boolean) => Promise<BatchStates>
  ): Promise<void> {
    const [from, to] = [this.#residence(block, batch), this.#residence(block + 1, batch)]
    const here = this.#states[batch] as Float32Array
    const lies = this.#resident.of(from)
    if (lies === undefined) await this.shelf?.put(this.#placeOf(block, batch), bytesOf(here))
    const next = await compute(lies ?? here, stays && this.#resident.fits(to))
    this.#resident.put(to, next instanceof DeviceTensor ? next : undefined)
    if (!(next instanceof DeviceTensor)) this.#states[batch] = next
  }

  /** The states behind the last block that they went through, of each batch. */
  get behind(): Float32Array[] {
    return this.#states
  }

  /** The states before a block, on the way back. @throws {AppError} IO as the shelf */
  async before(block: number, batch: number): Promise<BatchStates> {
    const place = this.#placeOf(block, batch)
    return this.#resident.of(place) ?? floatsOf(await (this.shelf as Shelf).get(place))
  }

  /**
   * Takes the gradient at a batch's states back through a block. As far as there is room it stays on the device from block to
   * block, and never comes back: nobody else asks for it.
   *
   * @param gradients - of each batch, at the states behind the block, as far as they are here; written to
   * @param compute - is given that gradient, and whether the one before the block is to stay
   */
  async back<Found extends { readonly hidden: BatchStates }>(
    batch: number,
    gradients: Float32Array[],
    compute: (gradient: BatchStates, stays: boolean) => Promise<Found>
  ): Promise<Found> {
    const behind = this.#gradients.of(batch) ?? (gradients[batch] as Float32Array)
    const found = await compute(behind, this.#gradients.fits(batch))
    const { hidden } = found
    this.#gradients.put(batch, hidden instanceof DeviceTensor ? hidden : undefined)
    if (!(hidden instanceof DeviceTensor)) gradients[batch] = hidden
    return found
  }

  /** Gives back what lies on the device. */
  leaveDevice(): void {
    this.#resident.giveBack()
    this.#gradients.giveBack()
  }

  async close(): Promise<void> {
    this.leaveDevice()
    await this.shelf?.close()
  }

  #placeOf = (block: number, batch: number): number => block * this.#states.length + batch

  /** Where states lie on the device: without a shelf, those before are replaced. */
  #residence = (block: number, batch: number): number =>
    this.shelf === undefined ? batch : this.#placeOf(block, batch)
}
