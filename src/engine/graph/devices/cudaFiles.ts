import { existsSync, readlinkSync, renameSync, symlinkSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256File } from '../../formats/files'
import declared from './cudaProvider.json'
import type { Obstacle } from './device'
import { loadLibrary } from './sharedLibraries'

/*
 * The two files that make CUDA of onnxruntime lie in a folder of Quail's own, by version, and not in the program's, which
 * an administrator may have installed. The library looks for them beside itself, by the path under which it was loaded:
 * so it is loaded first through a link that lies beside them.
 */

let folder: string | undefined
let linked = false
let checked: Promise<Obstacle | undefined> | undefined

/** Says where the files are looked for: the folder `cuda` of QUAIL_HOME. */
export const setCudaFolder = (path: string): void => {
  folder = path
}

/** The file that lists further folders of CUDA's libraries, one a line. */
export const foldersFile = (): string => join(folder ?? '', 'folders.txt')

const versionFolder = (): string => join(folder ?? '', declared.onnxruntime)
const present = (): boolean =>
  folder !== undefined && declared.files.every(({ name }) => existsSync(join(versionFolder(), name)))

/**
 * Loads onnxruntime's library through a link beside CUDA's files, where they are; before anything else loads it.
 *
 * @param library - path of libonnxruntime.so.1 as npm installed it
 */
export function loadBesideProviders(library: string): void {
  if (process.platform !== 'linux' || !present()) return
  const link = join(versionFolder(), 'libonnxruntime.so.1')
  try {
    if (targetOf(link) !== library) {
      const fresh = `${link}.${process.pid}`
      symlinkSync(library, fresh)
      renameSync(fresh, link)
    }
  } catch {
    return // CUDA is then missing, with its reason; everything else works as it is
  }
  linked = loadLibrary(link) === undefined
}

const targetOf = (link: string): string | undefined => {
  try {
    return readlinkSync(link)
  } catch {
    return undefined
  }
}

/** Whether the files are there, are the right ones, and can be found by the library; looked at once. */
export function checkCudaFiles(): Promise<Obstacle | undefined> {
  if (!present()) return Promise.resolve(notInstalled())
  checked ??= findFault()
  return checked
}

const notInstalled = (): Obstacle => ({
  reason: `the CUDA files of onnxruntime ${declared.onnxruntime} are not installed in ${versionFolder()}`,
  remedy:
    '“npm run setup:cuda” in a clone of Quail brings them, for an NVIDIA card; README, “NVIDIA cards”, says how without a clone'
})

async function findFault(): Promise<Obstacle | undefined> {
  for (const { name, bytes, sha256 } of declared.files) {
    const path = join(versionFolder(), name)
    if ((await stat(path)).size === bytes && (await sha256File(path)) === sha256) continue
    return {
      reason: `${path} is not the file of onnxruntime ${declared.onnxruntime}: its SHA-256 is not ${sha256}`,
      remedy: 'delete it, and “npm run setup:cuda” brings the right one'
    }
  }
  if (linked) return undefined
  return { reason: 'the CUDA files came after Quail had started', remedy: 'start Quail again' }
}
