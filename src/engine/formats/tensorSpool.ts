import { type FileHandle, open, rm } from 'node:fs/promises'
import { AppError } from '../../shared/errors'
import { type Chunks, fileError, type WrittenFile, writeAll, writeChunksAtomic } from './files'
import { READ_PIECE_BYTES } from './limits'
import { layOut, type SizedTensor } from './safetensorsWriter'

interface SpooledTensor extends SizedTensor {
  /** Where it begins in the spool. */
  readonly begin: number
}

/**
 * A safetensors file whose tensors come one after the other and do not fit into memory together: they are collected in a
 * file beside it, because the header, which comes first, needs all sizes and the order is not that of their arrival.
 *
 * The file is the one that `writeSafetensors` makes of the same tensors.
 */
export class TensorSpool {
  readonly #tensors: SpooledTensor[] = []
  #end = 0

  private constructor(
    private readonly path: string,
    private readonly file: FileHandle
  ) {}

  /** @throws {AppError} IO if the spool cannot be made at `path`, where nothing may lie yet */
  static async create(path: string): Promise<TensorSpool> {
    try {
      return new TensorSpool(path, await open(path, 'wx+'))
    } catch (error) {
      throw fileError(error, path)
    }
  }

  /** Takes in one tensor; `chunks` are its elements, row-major and little-endian. */
  async add({ name, dtype, shape }: Omit<SizedTensor, 'byteLength'>, chunks: Chunks): Promise<void> {
    const begin = this.#end
    for await (const chunk of chunks) {
      await writeAll(this.file, chunk).catch((error: unknown) => {
        throw fileError(error, this.path)
      })
      this.#end += chunk.byteLength
    }
    this.#tensors.push({ name, dtype, shape, byteLength: this.#end - begin, begin })
  }

  /** Names of the tensors so far, and their bytes. */
  get names(): string[] {
    return this.#tensors.map(({ name }) => name)
  }

  get bytes(): number {
    return this.#end
  }

  /** Writes the safetensors file, atomically. */
  async writeTo(path: string): Promise<WrittenFile> {
    const { header, ordered } = layOut(this.#tensors)
    return await writeChunksAtomic(path, this.#inOrder(header, ordered))
  }

  /** Closes and removes the spool. */
  async discard(): Promise<void> {
    await this.file.close()
    await rm(this.path, { force: true })
  }

  async *#inOrder(header: Uint8Array, tensors: readonly SpooledTensor[]): AsyncGenerator<Uint8Array> {
    yield header
    const piece = new Uint8Array(READ_PIECE_BYTES)
    for (const { begin, byteLength } of tensors) {
      for (let done = 0; done < byteLength; ) {
        const length = Math.min(byteLength - done, piece.length)
        const { bytesRead } = await this.file.read(piece, 0, length, begin + done)
        if (bytesRead === 0) throw new AppError('IO', `${this.path} became shorter while it was in use`)
        yield piece.subarray(0, bytesRead)
        done += bytesRead
      }
    }
  }
}
