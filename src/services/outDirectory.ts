import { readdir, realpath } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { badInput } from '../shared/errors'
import type { Recipe } from '../shared/recipe'

/**
 * Makes sure that a run may write its adapters to a directory: it does not exist yet, or is empty, and does not lie in
 * the checkpoint, which is never written.
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
  return path
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
