import { elementCount } from '../formats/tensorInfo'
import type { ExpertsSpec } from './experts'

/** Bytes of one expert as it is computed with, in float32. */
export const expertBytes = ({ tensors }: ExpertsSpec): number =>
  4 * tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0)

/** Values, or the 16 bits that each is stored in. */
export type ExpertArray = Float32Array | Uint16Array

/** How many experts of a block stay in so many bytes. */
export const keptExperts = (spec: ExpertsSpec, bytes: number): number =>
  Math.min(spec.count, Math.floor(bytes / expertBytes(spec)))

/**
 * Memory for experts of the block at hand, so that they are read once for all batches and streams. Its arrays serve one block
 * after the other: who reads takes them over, and what another reader had in them is read anew.
 */
export class ExpertMemory {
  #owner: object | undefined
  #arrays = new Map<string, ExpertArray>()

  /** @param bytes - of all arrays together */
  constructor(readonly bytes: number) {}

  /** Takes the memory over; false where it was this reader's already, so that what it had put there holds. */
  takenOver(reader: object): boolean {
    if (this.#owner === reader) return false
    this.#owner = reader
    return true
  }

  /** The array of that name, where there is one of that kind and length. */
  array<T extends ExpertArray>(name: string, length: number, ArrayOf: new (length: number) => T): T | undefined {
    const known = this.#arrays.get(name)
    return known instanceof ArrayOf && known.length === length ? known : undefined
  }

  put(name: string, array: ExpertArray): void {
    this.#arrays.set(name, array)
  }

  release(): void {
    this.#owner = undefined
    this.#arrays = new Map()
  }
}
