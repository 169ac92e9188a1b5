import { readSync } from 'node:fs'
import { type FileHandle, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { AppError, badInput } from '../../shared/errors'
import { fileError } from './files'
import { refuseOpenLfsPointer } from './lfsPointer'
import { READ_PIECE_BYTES } from './limits'
import { openForReading, readHeaderOf } from './safetensors'
import type { WeightHeader } from './tensorInfo'
import { readTorchHeaderOf, TORCH_EXTENSION } from './torchFile'

const readHeader = (handle: FileHandle, path: string): Promise<WeightHeader> =>
  path.endsWith(TORCH_EXTENSION) ? readTorchHeaderOf(handle, path) : readHeaderOf(handle, path)

/** An open safetensors or torch file, read by positions. It stays open so that a file replaced meanwhile cannot mix in. */
export class WeightFile {
  private constructor(
    readonly path: string,
    readonly header: WeightHeader,
    readonly handle: FileHandle,
    /** Length and times of the last changes, of its content and of anything about it, when it was opened. */
    readonly stamp: Stamp
  ) {}

  /**
   * Opens a file and checks its header. A name that ends in .bin means a torch file, any other safetensors.
   *
   * @throws {AppError} BAD_INPUT if the file is missing, BAD_FORMAT if it is damaged, IO if it cannot be read
   */
  static async open(path: string): Promise<WeightFile> {
    const handle = await openForReading(path)
    try {
      await refuseOpenLfsPointer(handle, path)
      const stamp = await stampOf(handle)
      return new WeightFile(path, await readHeader(handle, path), handle, stamp)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  get name(): string {
    return basename(this.path)
  }

  /**
   * Fills `target` with the bytes from `position` on.
   *
   * @throws {AppError} IO, naming the file, if it cannot be read or has become shorter
   */
  async read(target: Uint8Array, position: number): Promise<void> {
    try {
      for (let done = 0; done < target.byteLength; ) {
        const length = Math.min(target.byteLength - done, READ_PIECE_BYTES)
        const { bytesRead } = await this.handle.read(target, done, length, position + done)
        if (bytesRead === 0) throw this.#ended(position + done)
        done += bytesRead
      }
    } catch (error) {
      throw fileError(error, this.path)
    }
  }

  /** `read` without a promise: for one row at a time, thousands of times. */
  readSync(target: Uint8Array, position: number): void {
    try {
      for (let done = 0; done < target.byteLength; ) {
        const bytesRead = readSync(this.handle.fd, target, done, target.byteLength - done, position + done)
        if (bytesRead === 0) throw this.#ended(position + done)
        done += bytesRead
      }
    } catch (error) {
      throw fileError(error, this.path)
    }
  }

  /** @throws {AppError} BAD_INPUT when the file was written to since it was opened */
  async assertUnchanged(): Promise<void> {
    if ((await stampOf(this.handle)).written === this.stamp.written) return
    throw badInput(`${this.path} has changed while it was in use: put it back as it was, or start a new run`)
  }

  /** Whether anything about the file has changed since it was opened: its content, or its name or rights alone. */
  async isTouched(): Promise<boolean> {
    return (await stampOf(this.handle)).touched !== this.stamp.touched
  }

  /** Whether its path still leads to it, and not to another file or to none. */
  async isInPlace(): Promise<boolean> {
    const opened = await this.handle.stat({ bigint: true })
    const there = await stat(this.path, { bigint: true }).catch(() => undefined)
    return there?.ino === opened.ino && there.dev === opened.dev
  }

  async close(): Promise<void> {
    await this.handle.close()
  }

  #ended(position: number): AppError {
    const expected = `it had ${this.header.fileBytes} when it was opened`
    return new AppError(
      'IO',
      `${this.path} ends after ${position} bytes, ${expected}: the file was changed while in use`
    )
  }
}

interface Stamp {
  /** What writing changes, unless the time is set back behind it. */
  readonly written: string
  /** What nobody can set back; a new name or new rights change it too. */
  readonly touched: string
}

async function stampOf(handle: FileHandle): Promise<Stamp> {
  const { size, mtimeNs, ctimeNs } = await handle.stat({ bigint: true })
  return { written: `${size} ${mtimeNs}`, touched: `${ctimeNs}` }
}
