import { readdir, realpath, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { AppError, badInput } from '../../shared/errors'
import { fileError, fsyncDirectory, isMissing, makeFolder } from './files'
import { sweepTemporaries, temporaryName } from './temporaryNames'

/**
 * Makes a directory that appears complete or not at all: `fill` writes into a temporary one beside it, which is renamed.
 *
 * @param out - must not exist, or be an empty directory; missing parents are made
 * @param fill - writes the content below the path that it is given
 * @returns what `fill` returned
 * @throws {AppError} BAD_INPUT if `out` is taken, IO if it cannot be written; the temporary directory is gone then
 */
export async function writeDirectoryAtomic<T>(out: string, fill: (directory: string) => Promise<T>): Promise<T> {
  const target = await resolveFree(out)
  return await writeBeside(target, out, fill, (temporary) => moveInto(temporary, target))
}

/**
 * `writeDirectoryAtomic` in the place of a directory that is there; at every moment one of the two is there or beside.
 *
 * @throws {AppError} IO if it cannot be written; the old one is in its place then
 */
export function replaceDirectoryAtomic<T>(target: string, fill: (directory: string) => Promise<T>): Promise<T> {
  return writeBeside(target, target, fill, async (temporary) => {
    const old = temporaryName(target)
    await rename(target, old)
    try {
      await rename(temporary, target)
    } catch (error) {
      await rename(old, target)
      throw error
    }
    await fsyncDirectory(dirname(target))
    await rm(old, { recursive: true, force: true })
  })
}

/** Fills a temporary directory beside `target`, without what killed processes left there, and has it moved. */
async function writeBeside<T>(
  target: string,
  out: string,
  fill: (directory: string) => Promise<T>,
  move: (temporary: string) => Promise<void>
): Promise<T> {
  const temporary = temporaryName(target)
  await sweepTemporaries(target)
  try {
    await makeFolder(temporary)
    const result = await fill(temporary)
    await fsyncDirectory(temporary)
    await move(temporary)
    return result
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {}) // the first error is the one to report
    const { code, message } = fileError(error, out)
    throw new AppError(code, message.replaceAll(temporary, out), { cause: error }) // nobody knows the temporary name
  }
}

/**
 * Checks that a directory can be written as a new one.
 *
 * @returns its absolute path, with links followed where it exists already
 * @throws {AppError} BAD_INPUT if it is a file or not empty
 */
export async function resolveFree(out: string): Promise<string> {
  try {
    const names = await readdir(out)
    if (names.length === 0) return await realpath(out)
    const found = `it holds ${names.length === 1 ? names[0] : `${names.length} entries`}`
    throw badInput(`the output directory ${out} is not empty, ${found}; give a new or an empty one`)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return resolve(out)
    if (isMissing(error))
      throw badInput(`the output directory ${out} is a file, or lies below one; give a new directory`)
    throw fileError(error, out)
  }
}

async function moveInto(temporary: string, target: string): Promise<void> {
  try {
    await rmdir(target) // only Linux renames over an empty directory; a full one is refused here, by the system
  } catch (error) {
    if (hasCode(error, 'EBUSY')) throw badInput(`${target} is a mount point; give a directory inside it`)
    if (hasCode(error, 'ENOTEMPTY')) throw badInput(`${target} was filled by somebody else meanwhile`)
    if (!hasCode(error, 'ENOENT')) throw error
  }
  await rename(temporary, target)
  await fsyncDirectory(dirname(target))
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
