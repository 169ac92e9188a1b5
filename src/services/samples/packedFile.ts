import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { badInput } from '../../shared/errors'

/*
 * Files of data sets are often packed by gzip: `c4-train.00000-of-01024.json.gz`.
 */

/** How large what is packed in a file is at most in a text that people wrote, beside the file. */
export const UNPACKED_SHARE = 10

/** A packed file is called as what is packed in it, with `.gz` behind. */
export const unpackedName = (path: string): string => path.replace(/\.gz$/i, '')

/** Whether a file is packed by gzip, whatever it is called. */
export async function isPacked(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b
  } finally {
    await file.close()
  }
}

interface UnpackedBytes {
  readonly bytes: Uint8Array
  /** Bytes of the file that were read for them and those before. */
  readonly at: number
}

/**
 * The bytes of a file in pieces; of a packed one those that are packed in it.
 *
 * @throws {AppError} BAD_INPUT for a packed file that is damaged
 */
export async function* unpackedBytes(
  path: string,
  { signal, size }: { readonly signal?: AbortSignal | undefined; readonly size: number }
): AsyncGenerator<UnpackedBytes> {
  const file = createReadStream(path, { signal, highWaterMark: size })
  // The stream that is read from tells of the errors of both.
  const stream = (await isPacked(path)) ? pipeline(file, createGunzip({ chunkSize: size }), () => {}) : file
  try {
    for await (const chunk of stream) yield { bytes: chunk as Uint8Array, at: file.bytesRead }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (!code?.startsWith('Z_')) throw error
    throw badInput(`${path} is packed by gzip, and damaged: ${message}`)
  }
}
