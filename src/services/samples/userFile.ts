import { open, readFile, stat } from 'node:fs/promises'
import { isMissing } from '../../engine/formats/files'
import { refuseLfsPointerAt } from '../../engine/formats/lfsPointer'
import { missingFile } from '../../engine/formats/missingFile'
import { decodeTextFile, TextFileDecoder } from '../../engine/formats/textEncoding'
import { badInput } from '../../shared/errors'
import { refuseForeignFile } from './foreignFile'
import { isPacked, UNPACKED_SHARE, unpackedBytes } from './packedFile'

/** Longest file that is read whole: JavaScript holds a text as UTF-16 and V8 limits its length. */
export const MAX_WHOLE_BYTES = 256 * 2 ** 20
const ACCEPTED = 'a .txt, .jsonl, .json, .csv, .tsv or .parquet file is needed'

/** Bytes that are read, or unpacked, at a time. */
const CHUNK_BYTES = 2 ** 18

/** Bytes of a file that a person named. @throws {AppError} BAD_INPUT when it is no readable file, BAD_FORMAT for a pointer to one */
export async function userFileBytes(path: string): Promise<number> {
  const found = await stat(path).catch(async (error: unknown) => {
    throw isMissing(error) ? await missingFile(path, { needed: `; ${ACCEPTED}` }) : error
  })
  if (!found.isFile()) throw badInput(`${path} is ${found.isDirectory() ? 'a directory' : 'not a file'}; ${ACCEPTED}`)
  if (found.size === 0) throw badInput(`${path} is empty; ${ACCEPTED}`)
  await refuseLfsPointerAt(path)
  await refuseForeignFile(path)
  return found.size
}

/** Bytes of a file that a person named, unpacked; of a packed one what they are at most in a text. @throws {AppError} as `userFileBytes` */
export const unpackedSize = async (path: string): Promise<number> =>
  (await userFileBytes(path)) * ((await isPacked(path)) ? UNPACKED_SHARE : 1)

/** The whole text of a file, unpacked: UTF-8, or UTF-16 with a byte order mark, which is dropped. @throws {AppError} BAD_INPUT */
export async function readWholeText(path: string): Promise<string> {
  const size = await userFileBytes(path)
  if (size > MAX_WHOLE_BYTES) throw badInput(`${path} has ${size} bytes; up to ${MAX_WHOLE_BYTES} are accepted`)
  return (await isPacked(path)) ? unpackedText(path) : decodeTextFile(await readFile(path), path)
}

async function unpackedText(path: string): Promise<string> {
  const pieces: string[] = []
  let characters = 0
  for await (const piece of textChunks(path, {})) {
    characters += piece.length
    if (characters > MAX_WHOLE_BYTES)
      throw badInput(`${path} has more than ${MAX_WHOLE_BYTES} characters when it is unpacked, which are accepted`)
    pieces.push(piece)
  }
  return pieces.join('')
}

/** Pieces of a text file in order, decoded as `readWholeText` does. */
export async function* textChunks(
  path: string,
  {
    signal,
    onShare
  }: { readonly signal?: AbortSignal | undefined; readonly onShare?: ((share: number) => void) | undefined }
): AsyncGenerator<string> {
  const size = await userFileBytes(path)
  const decoder = new TextFileDecoder(path)
  for await (const { bytes, at } of unpackedBytes(path, { signal, size: CHUNK_BYTES })) {
    onShare?.(at / size)
    yield decoder.piece(bytes)
  }
  yield decoder.end()
}

/** Opens a file for reads at positions. */
export const openUserFile = async (path: string) => {
  const size = await userFileBytes(path)
  return { handle: await open(path, 'r'), size }
}
