import { type FileHandle, open, rm } from 'node:fs/promises'
import { AppError } from '../../shared/errors'
import { fileError, readAll, writeAll } from '../formats/files'

/** Bytes that are put down under a number and taken up again: in memory, or in a file that goes when the shelf is closed. */
export class Shelf {
  readonly #kept = new Map<number, Uint8Array>()
  readonly #places = new Map<number, { readonly offset: number; readonly bytes: number }>()
  #end = 0

  private constructor(
    private readonly path: string,
    /** Undefined where they are in memory. */
    private readonly handle: FileHandle | undefined
  ) {}

  /** @param path - of the file, which is made only where nothing is to stay in memory */
  static async create(path: string, inMemory: boolean): Promise<Shelf> {
    try {
      return new Shelf(path, inMemory ? undefined : await open(path, 'w+'))
    } catch (error) {
      throw fileError(error, path)
    }
  }

  has(index: number): boolean {
    return this.#kept.has(index) || this.#places.has(index)
  }

  /** What was put there last. */
  async get(index: number): Promise<Uint8Array> {
    const kept = this.#kept.get(index)
    if (kept !== undefined) return kept
    const place = this.#places.get(index)
    if (this.handle === undefined || place === undefined) {
      throw new AppError('INTERNAL', `${this.path}: nothing lies at ${index}`)
    }
    const target = new Uint8Array(place.bytes)
    await readAll(this.handle, target, place.offset, this.path)
    return target
  }

  /** Replaces what lies there, which must be as long; in memory the bytes themselves are kept. */
  async put(index: number, bytes: Uint8Array): Promise<void> {
    if (this.handle === undefined) {
      this.#kept.set(index, bytes)
      return
    }
    const place = this.#places.get(index) ?? { offset: this.#end, bytes: bytes.length }
    if (place.bytes !== bytes.length) {
      throw new AppError('INTERNAL', `${this.path}: ${bytes.length} bytes in the place of ${place.bytes}`)
    }
    if (!this.#places.has(index)) this.#end += bytes.length
    this.#places.set(index, place)
    try {
      await writeAll(this.handle, bytes, place.offset)
    } catch (error) {
      throw fileError(error, this.path)
    }
  }

  async close(): Promise<void> {
    this.#kept.clear()
    this.#places.clear()
    if (this.handle === undefined) return
    await this.handle.close()
    await rm(this.path, { force: true })
  }
}

/** @param bytes - beginning at a multiple of four, as what `bytesOf` gives and what a shelf reads */
export const floatsOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Float32Array =>
  new Float32Array(buffer, byteOffset, byteLength / 4)
