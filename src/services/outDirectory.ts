import { lstat, mkdtemp, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { badInput, serializeError } from '../shared/errors'
import type { Recipe } from '../shared/recipe'
import { ownPrefix, sweepFolders } from './ownFolders'

/**
 * Makes sure that a run may write its adapters to a directory: it does not exist yet, or is empty, does not lie in the
 * checkpoint, which is never written, and can be written: what a run does there after hours is tried now.
 *
 * @returns the absolute path
 * @throws {AppError} BAD_INPUT
 */
export async function checkOutDirectory(out: string, model: string): Promise<string> {
  const path = await assertOutside(out, model)
  const entries = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    if (error.code === 'ENOTDIR')
      throw badInput(`${out} is a file, or lies below one; a new or empty directory is needed`)
    throw error
  })
  if (entries.length > 0) {
    throw badInput(`${out} is not empty (it holds ${entries[0]}); a new or empty directory is needed`)
  }
  await assertWritable(path)
  return path
}

/** What names of directories begin with that try whether a place can be written. */
const TRIAL = '.quail-trial-'

/**
 * Makes a directory with a file in it where adapters would be made, renames it, and removes it; also those of processes
 * that were killed before they could.
 *
 * @throws {AppError} BAD_INPUT with what the system says
 */
async function assertWritable(out: string): Promise<void> {
  const parent = await nearestThere(dirname(out))
  try {
    await sweepFolders(parent, TRIAL)
    const made = await mkdtemp(join(parent, ownPrefix(TRIAL)))
    const renamed = `${made}-renamed`
    try {
      await writeFile(join(made, 'file'), 'x')
      await rename(made, renamed)
    } finally {
      await rm(made, { recursive: true, force: true })
      await rm(renamed, { recursive: true, force: true })
    }
    if (await isDangling(out))
      throw badInput(`${out} is a link to what does not exist; a new or empty directory is needed`)
  } catch (error) {
    const { code, message } = serializeError(error)
    if (code === 'BAD_INPUT' || code === 'INTERNAL') throw error
    // Of a place that takes nothing new, as /proc, the system says that it is not there.
    const isNoPlace = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const why = isNoPlace ? 'it takes no folders' : message.slice(message.lastIndexOf(': ') + 2)
    throw badInput(`${out} cannot be written (${parent}: ${why}); choose another directory`)
  }
}

/** The nearest directory on the way up that is there. */
async function nearestThere(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) return path
    if (await isDangling(path)) throw badInput(`${path} is a link to what does not exist; a directory is needed`)
    return nearestThere(dirname(path))
  }
}

const isDangling = async (path: string): Promise<boolean> => {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isSymbolicLink() !== true) return false
  return realpath(path).then(
    () => false,
    () => true
  )
}

/** `checkOutDirectory` for the adapters of a recipe: outside of its model and of its pre-quantized base. */
export async function checkRunOut(out: string, { model, base }: Pick<Recipe, 'model' | 'base'>): Promise<string> {
  if (base !== undefined) await assertOutside(out, base, "the base's directory")
  return await checkOutDirectory(out, model)
}

/**
 * Makes sure that a path does not lie in a directory that is never written, links followed.
 *
 * @returns the absolute path
 * @throws {AppError} BAD_INPUT
 */
export async function assertOutside(out: string, directory: string, role = "the model's directory"): Promise<string> {
  const path = resolve(out)
  const [target, source] = await Promise.all([realTarget(path), realTarget(resolve(directory))])
  if (!isInside(target, source)) return path
  throw badInput(`${out} lies in ${role} ${directory}, which is never written; choose another directory`)
}

/** The path with links resolved as far as it exists. */
async function realTarget(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(await realTarget(parent), basename(path))
  }
}

const isInside = (path: string, directory: string): boolean => {
  const way = relative(directory, path)
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && resolve(directory, way) === path)
}
