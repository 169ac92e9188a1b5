import type { DeviceName } from '../../shared/recipe'
import { DeviceMemory } from '../graph/deviceMemory'
import { type DeviceTensor, giveBack, type Tensors } from '../graph/session'
import type { BlockWeights } from './blockWeights'

/** Batches that are added up in float32: of each 2,048 tokens, so that sums of more are made in float64. */
export const MOST_TOGETHER = 8

/**
 * Gram matrices of a block as a device adds them up, so that they come over the bus once for several batches. Those of a
 * wide input are larger than all else that a batch brings.
 */
export class ResidentGrams {
  readonly #memory: DeviceMemory
  readonly #sums = new Map<string, DeviceTensor>()
  /** The weights that the sums belong to. */
  #linears: BlockWeights['linears'] | undefined
  #batches = 0

  constructor(device: DeviceName) {
    this.#memory = new DeviceMemory(device)
  }

  get keepsTensors(): boolean {
    return this.#memory.keepsTensors
  }

  /**
   * Takes what a batch adds, by output of the graph.
   *
   * @param more - whether another batch with these weights follows, with which it may be given
   * @returns what was added up, where it is time for that
   */
  async add(
    linears: BlockWeights['linears'],
    tiles: Readonly<Record<string, DeviceTensor>>,
    more: boolean
  ): Promise<Tensors | undefined> {
    // What a calibration that was stopped left behind.
    if (this.#linears !== linears) this.#giveBack()
    this.#linears = linears
    try {
      for (const [name, tile] of Object.entries(tiles)) await this.#addTile(name, tile)
    } catch (error) {
      giveBack(Object.values(tiles)) // those that it did not come to, too
      this.#giveBack()
      throw error
    }
    this.#batches++
    return more && this.#batches < MOST_TOGETHER ? undefined : this.#take()
  }

  async #addTile(name: string, tile: DeviceTensor): Promise<void> {
    const sum = this.#sums.get(name)
    this.#sums.delete(name) // given back by the addition, be it that it fails
    this.#sums.set(name, sum === undefined ? tile : await this.#memory.sum(sum, tile))
  }

  async release(): Promise<void> {
    this.#giveBack()
    await this.#memory.release()
  }

  async #take(): Promise<Tensors> {
    const found: Record<string, Tensors[string]> = {}
    for (const [name, sum] of this.#sums) found[name] = await this.#memory.read(sum)
    this.#giveBack()
    return found
  }

  #giveBack(): void {
    giveBack(this.#sums.values())
    this.#sums.clear()
    this.#linears = undefined
    this.#batches = 0
  }
}
