import { type DeviceTensor, giveBack } from '../graph/session'

/**
 * Hidden states of a stream that lie on the device beside being here: those of its first batches, as many as there is room
 * for. The next block takes them from there, so that they do not go over the bus again.
 */
export class ResidentStates {
  readonly #there = new Map<number, DeviceTensor>()
  /** How many batches, from the first one on. */
  readonly #batches: number
  /** What they may take, bytes. */
  readonly bytes: number

  /**
   * @param sizes - of each batch, bytes
   * @param room - bytes of the device's memory
   */
  constructor(sizes: readonly number[], room: number) {
    let [batches, bytes] = [0, 0]
    for (const size of sizes) {
      if (bytes + size > room) break
      bytes += size
      batches++
    }
    this.#batches = batches
    this.bytes = bytes
  }

  /** Whether a batch has room there. */
  fits(batch: number): boolean {
    return batch < this.#batches
  }

  of(batch: number): DeviceTensor | undefined {
    return this.#there.get(batch)
  }

  /** Takes a batch's states in the place of those before; undefined where they are here alone. */
  put(batch: number, states: DeviceTensor | undefined): void {
    giveBack([this.#there.get(batch)])
    this.#there.delete(batch)
    if (states !== undefined) this.#there.set(batch, states)
  }

  giveBack(): void {
    giveBack(this.#there.values())
    this.#there.clear()
  }
}
