import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError, badFormat, badInput, deserializeError, serializeError } from '../../shared/errors'
import { refuseLfsPointer } from './lfsPointer'
import { READ_PIECE_BYTES } from './limits'
import { missingFile } from './missingFile'
import { JsonFault, type JsonValue, parsePythonJson, parseStrictJson, parseWithWords } from './strictJson'
import { sweepTemporaries, temporaryName } from './temporaryNames'

/** Digest and length of what was written. */
export interface WrittenFile {
  readonly bytes: number
  readonly sha256: string
}

/** Content in pieces. A piece may be reused by whoever makes it as soon as the next one is asked for. */
export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** SHA-256 of a text (as UTF-8) or of bytes, in hexadecimal. */
export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')

/**
 * SHA-256 of a file in hexadecimal, read as a stream.
 *
 * @throws {AppError} IO, naming the file; whatever the signal aborts with
 */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20, signal }))
      hash.update(piece as Uint8Array)
  } catch (error) {
    throw signal?.aborted ? error : fileError(error, path)
  }
  return hash.digest('hex')
}

/**
 * Writes a file so that at every moment, a power cut included, the path holds either what was there before or all of the
 * new content: a temporary file beside it is written, synced and renamed, and the directory is synced. What killed processes
 * left of theirs is removed.
 *
 * @throws {AppError} IO, naming the file; the temporary file is gone then
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await writeChunksAtomic(path, [typeof data === 'string' ? new TextEncoder().encode(data) : data])
}

/**
 * `writeFileAtomic` for content in several pieces, which are written one after the other.
 *
 * @returns length and SHA-256 of the whole
 * @throws {AppError} IO, naming the file; the temporary file is gone then
 */
export async function writeChunksAtomic(path: string, chunks: Chunks): Promise<WrittenFile> {
  const temporary = temporaryName(path)
  await sweepTemporaries(path)
  try {
    const written = await writeNewFile(temporary, chunks)
    await rename(temporary, path)
    await fsyncDirectory(dirname(path))
    return written
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}) // the first error is the one to report
    throw await writeError(error, path)
  }
}

/**
 * Why a file could not be written. Where its directory is missing, or takes no files, as /proc, the system says no more than that
 * there is no such file.
 */
export async function writeError(error: unknown, path: string): Promise<AppError> {
  const directory = dirname(path)
  const { code, path: failed } = error as NodeJS.ErrnoException
  if (code !== 'ENOENT' || failed === undefined || dirname(failed) !== directory) return fileError(error, path)
  const isThere = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false
  )
  return new AppError('IO', `${path} cannot be written: ${directory} ${isThere ? 'takes no files' : 'does not exist'}`)
}

async function writeNewFile(path: string, chunks: Chunks): Promise<WrittenFile> {
  const hash = createHash('sha256')
  let bytes = 0
  const file = await open(path, 'wx')
  try {
    for await (const chunk of chunks) {
      await writeAll(file, chunk)
      hash.update(chunk)
      bytes += chunk.byteLength
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** Writes all of a piece, at `position` or where the file stands. */
export async function writeAll(file: FileHandle, chunk: Uint8Array, position?: number): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    const at = position === undefined ? null : position + done
    done += (await file.write(chunk, done, Math.min(chunk.byteLength - done, 2 ** 26), at)).bytesWritten
  }
}

/**
 * Fills `target` with the bytes of an open file from `position` on.
 *
 * @throws {AppError} IO, naming the file, if it cannot be read or ends too early
 */
export async function readAll(file: FileHandle, target: Uint8Array, position: number, path: string): Promise<void> {
  try {
    for (let done = 0; done < target.length; ) {
      const length = Math.min(READ_PIECE_BYTES, target.length - done) // some systems stop at 2 GiB
      const { bytesRead } = await file.read(target, done, length, position + done)
      if (bytesRead === 0) throw new AppError('IO', `${path} ends at byte ${position + done}`)
      done += bytesRead
    }
  } catch (error) {
    throw fileError(error, path)
  }
}

/** Waits until what was written to a file is on the disk. */
export async function fsyncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes renames and new names in a directory durable. Windows has no such call and needs none. */
export async function fsyncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/**
 * Reads a text file of UTF-8, with or without a byte order mark.
 *
 * @throws {AppError} BAD_INPUT if it is missing or no file, BAD_FORMAT if it is larger than `limitBytes` or not UTF-8
 */
export async function readTextFile(path: string, limitBytes: number): Promise<string> {
  return textOf(await readSmallFile(path, limitBytes), path)
}

function textOf(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw badFormat(`${path} is not UTF-8 text`)
  }
}

/** `readTextFile`, or undefined where there is no such file, as `isNamed` has it. */
export const readTextFileIfThere = async (path: string, limitBytes: number): Promise<string | undefined> =>
  (await isNamed(path)) ? await readTextFile(path, limitBytes) : undefined

/**
 * Whether a directory has such a name. A link that leads to nothing is one: whoever made it meant a file.
 *
 * @throws {AppError} IO if the directory cannot be looked into
 */
export const isNamed = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false
      throw fileError(error, path)
    }
  )

/**
 * Reads a JSON file; a number that is not finite, which Python writes, is an object as `parseWithWords` has it.
 *
 * @throws {AppError} as `readTextFile`, and BAD_FORMAT if it is not JSON
 */
export async function readJsonFile(path: string, limitBytes: number): Promise<unknown> {
  return parsedJson(await readTextFile(path, limitBytes), path)
}

/** `readJsonFile`, and the SHA-256 of the bytes that were read. @throws {AppError} as `readJsonFile` */
export async function readJsonWithDigest(
  path: string,
  limitBytes: number
): Promise<{ readonly value: unknown; readonly sha256: string }> {
  const bytes = await readSmallFile(path, limitBytes)
  return { value: parsedJson(textOf(bytes, path), path), sha256: sha256(bytes) }
}

function parsedJson(text: string, path: string): unknown {
  try {
    return parseWithWords(text)
  } catch {
    throw badFormat(`${path} is not valid JSON${jsonFault(text)}`)
  }
}

/**
 * Reads a JSON file by the strict rules of `parseStrictJson`: numbers stay as they are written.
 *
 * @param options - `words`: NaN and the infinities of Python are numbers too
 * @throws {AppError} as `readTextFile`, and BAD_FORMAT if it is not such JSON
 */
export async function readStrictJsonFile(
  path: string,
  limitBytes: number,
  { words = false }: { readonly words?: boolean } = {}
): Promise<JsonValue> {
  const text = await readTextFile(path, limitBytes)
  try {
    return words ? parsePythonJson(text, { lenient: false }) : parseStrictJson(text)
  } catch (error) {
    throw error instanceof JsonFault ? badFormat(`${path} ${error.message}`) : error
  }
}

/** What is wrong with a text, in our own words: those of JSON.parse change with the version of Node. */
function jsonFault(text: string): string {
  try {
    parsePythonJson(text, { lenient: false })
    return ''
  } catch (error) {
    return error instanceof JsonFault ? `: it ${error.message}` : ''
  }
}

async function readSmallFile(path: string, limitBytes: number): Promise<Uint8Array> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw badInput(`${path} is not a file`)
    if (found.size > limitBytes) throw badFormat(`${path} has ${found.size} bytes; at most ${limitBytes} are accepted`)
    const content = await readFile(path)
    refuseLfsPointer(content, path)
    return content
  } catch (error) {
    if (isMissing(error)) throw await missingFile(path)
    throw fileError(error, path)
  }
}

/**
 * Makes a folder, and those above it that are missing. Node's own `recursive` says of a read-only place that it is not
 * there, and tries for ever below /proc.
 *
 * @throws what the system says of the first that cannot be made, BAD_INPUT where it says nothing
 */
export async function makeFolder(path: string): Promise<void> {
  if (await isMade(path)) return
  await makeFolder(dirname(path))
  if (!(await isMade(path))) throw badInput(`${path} cannot be made: ${dirname(path)} takes no folders`)
}

/** Whether a folder is there now; not where that above it is missing. */
async function isMade(path: string): Promise<boolean> {
  try {
    await mkdir(path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && dirname(path) !== path) return false
    if (code !== 'EEXIST') throw error
    if ((await stat(path)).isDirectory()) return true
    throw badInput(`${path} is a file, a folder was expected`)
  }
}

/**
 * Names in a directory, sorted.
 *
 * @param role - what the directory is for, for messages: "model directory"
 * @throws {AppError} BAD_INPUT if it does not exist or is no directory
 */
export async function listDirectory(directory: string, role: string): Promise<string[]> {
  try {
    if (!(await stat(directory)).isDirectory()) throw badInput(`${directory} is a file; the ${role} is needed`)
    return (await readdir(directory)).sort()
  } catch (error) {
    throw isMissing(error) ? await missingFile(directory, { what: `the ${role} ` }) : fileError(error, directory)
  }
}

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')

/**
 * A failure of the operating system as an AppError that names the file the caller knows: the system's own error names
 * the temporary file, or none at all when it comes from an open file. Other errors keep their kind.
 */
export function fileError(error: unknown, path: string): AppError {
  if (error instanceof AppError) return error
  if (error instanceof Error && 'syscall' in error) Object.assign(error, { path })
  return deserializeError(serializeError(error))
}
