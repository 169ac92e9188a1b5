import { readdir, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { badInput } from '../shared/errors'
import { assertOutside } from './outDirectory'

/**
 * Makes sure that a place which the window names may be written at all: outside of Quail's own folder, and not in a
 * directory of a checkpoint, links followed.
 *
 * @param path - absolute
 * @throws {AppError} BAD_INPUT
 */
export async function assertWritablePlace(path: string, home: string): Promise<void> {
  await assertOutside(path, home, "Quail's own folder")
  for (let directory = await nearestDirectory(path); ; directory = dirname(directory)) {
    if (await holdsCheckpoint(directory)) {
      throw badInput(`${path} lies in the checkpoint ${directory}, which is never written; choose another place`)
    }
    if (dirname(directory) === directory) return
  }
}

/** The nearest place on the way up that is there, links followed; a file stands for its directory. */
async function nearestDirectory(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch {
    return dirname(path) === path ? path : nearestDirectory(dirname(path))
  }
}

const WEIGHTS = /\.(safetensors|bin|pt|pth)$/

async function holdsCheckpoint(directory: string): Promise<boolean> {
  const names: string[] = await readdir(directory).catch(() => [])
  return names.includes('config.json') && names.some((name) => WEIGHTS.test(name))
}
