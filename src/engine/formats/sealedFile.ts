import { createHash } from 'node:crypto'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { fileError, isMissing, readAll, writeAll } from './files'
import { sweepTemporaries, temporaryName } from './temporaryNames'

/*
 * Files that may be lost or damaged at any time without harm: what they hold can be computed again. So nothing is synced, and
 * a reader trusts only what agrees with the checksum.
 *
 *     label, 32 bytes | content | SHA-256 of both, 32 bytes
 *
 * The label says of what the content was computed.
 */

export const LABEL_BYTES = 32
const SEAL_BYTES = 32

/** Length of a file with so much content. */
export const sealedBytes = (content: number): number => LABEL_BYTES + content + SEAL_BYTES

/** A file that is not what was looked for; the message says how. */
export class BrokenSeal extends Error {}

/**
 * Writes a file so that its name holds all of it or what was there before.
 *
 * @param content - in pieces; each may be reused as soon as the next one is asked for
 * @throws {AppError} IO, naming the file
 */
export async function writeSealed(
  path: string,
  label: Uint8Array,
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
): Promise<void> {
  const temporary = temporaryName(path)
  await sweepTemporaries(path)
  const hash = createHash('sha256')
  try {
    const file = await open(temporary, 'wx')
    const write = async (piece: Uint8Array): Promise<void> => {
      await writeAll(file, piece)
      hash.update(piece)
    }
    try {
      await write(label)
      for await (const piece of content) await write(piece)
      await writeAll(file, hash.digest())
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}) // the first error is the one to report
    throw fileError(error, path)
  }
}

/** Reads such a file in pieces, which count once `finish` has found the checksum right. */
export class SealedReader {
  readonly #hash = createHash('sha256')
  #at = 0

  private constructor(
    private readonly path: string,
    private readonly file: FileHandle
  ) {}

  /**
   * @param content - bytes that it holds
   * @throws {BrokenSeal} where it is missing, of another length, or of another label; {AppError} IO
   */
  static async open(path: string, label: Uint8Array, content: number): Promise<SealedReader> {
    const file = await open(path, 'r').catch((error: unknown) => {
      throw isMissing(error) ? new BrokenSeal('are gone') : fileError(error, path)
    })
    const reader = new SealedReader(path, file)
    try {
      if ((await file.stat()).size !== sealedBytes(content)) throw new BrokenSeal('are damaged')
      const found = new Uint8Array(LABEL_BYTES)
      await reader.read(found)
      if (Buffer.compare(found, label) !== 0) throw new BrokenSeal('are of other weights or of another version')
      return reader
    } catch (error) {
      await reader.close()
      throw error
    }
  }

  /** Fills `target` with what comes next. */
  async read(target: Uint8Array): Promise<void> {
    await readAll(this.file, target, this.#at, this.path)
    this.#at += target.length
    this.#hash.update(target)
  }

  /** @throws {BrokenSeal} where what was read is not what was written */
  async finish(): Promise<void> {
    const seal = new Uint8Array(SEAL_BYTES)
    await readAll(this.file, seal, this.#at, this.path)
    if (Buffer.compare(seal, this.#hash.digest()) !== 0) throw new BrokenSeal('are damaged')
  }

  close(): Promise<void> {
    return this.file.close()
  }
}

/** Whether there is a file of this length. */
export const hasLength = async (path: string, bytes: number): Promise<boolean> =>
  stat(path).then(
    ({ size }) => size === bytes,
    () => false
  )
