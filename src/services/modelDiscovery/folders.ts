import { realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Candidate } from './candidate'
import {
  countPartial,
  isRepository,
  isWeights,
  modifiedAt,
  nameOfSnapshot,
  scanHubCache,
  scanRepository,
  unfinished
} from './hubCache'
import { isDirectory, type ScanBudget } from './scanBudget'

/** Folders that never hold a checkpoint of their own, and may be large. */
const SKIPPED = new Set(['node_modules', '__pycache__', 'site-packages', 'blobs', 'refs'])

/**
 * The checkpoints in a folder that a person added: the folder itself, or those some levels below it. A folder that is a
 * Hugging Face cache, or one model of it, is read as such. Where nothing is found the folder is listed with the reason.
 */
export async function scanFolder(folder: string, budget: ScanBudget, found: Candidate[]): Promise<void> {
  const origin = { source: 'folder', foundIn: folder } as const
  const visited = new Set<string>()

  async function visit(directory: string, depth: number): Promise<void> {
    const real = await realpath(directory).catch(() => directory)
    if (visited.has(real)) return
    visited.add(real)
    const names = await budget.namesIn(directory)
    if (isRepository(basename(directory)) && names.includes('snapshots')) {
      found.push(...(await scanRepository(directory, budget, origin)))
    } else if (names.some(isRepository)) await scanHubCache(directory, budget, origin, found)
    else if (names.some(isSignOfCheckpoint)) found.push(await checkpointAt(directory, names, origin, budget))
    else if (depth > 0) await visitBelow(directory, names, depth - 1)
  }

  async function visitBelow(directory: string, names: readonly string[], depth: number): Promise<void> {
    for (const name of names.filter((one) => !one.startsWith('.') && !SKIPPED.has(one))) {
      const below = join(directory, name)
      if (await isDirectory(below)) await visit(below, depth).catch(unlessUnreadable)
    }
  }

  if (!(await isDirectory(folder))) {
    found.push(nothingAt(folder, `${folder} is not there any more`))
    return
  }
  await visit(folder, budget.limits.depth)
  const sentence = `no checkpoint is in ${folder}: a folder with config.json and safetensors files or pytorch_model.bin is needed`
  if (found.length === 0) found.push(nothingAt(folder, sentence))
}

const isSignOfCheckpoint = (name: string): boolean =>
  name === 'config.json' || /\.(safetensors|gguf)$/.test(name) || /^pytorch_model.*\.bin$/.test(name)

async function checkpointAt(
  directory: string,
  names: readonly string[],
  origin: Pick<Candidate, 'source' | 'foundIn'>,
  budget: ScanBudget
): Promise<Candidate> {
  const named = nameOfSnapshot(directory) ?? { name: basename(directory), organisation: null, revision: null }
  const candidate = { ...named, ...origin, directory, refs: [], modifiedAtMs: await modifiedAt(directory) }
  const partial = names.some(isWeights) ? 0 : await countPartial(join(directory, ...LOCAL_DOWNLOADS), budget)
  return partial === 0 ? candidate : { ...candidate, problem: unfinished(partial) }
}

/** Where `hf download --local-dir` keeps what it has not finished. */
const LOCAL_DOWNLOADS = ['.cache', 'huggingface', 'download']

const nothingAt = (folder: string, sentence: string): Candidate => ({
  directory: folder,
  name: basename(folder) || folder,
  organisation: null,
  source: 'folder',
  foundIn: folder,
  revision: null,
  refs: [],
  modifiedAtMs: null,
  problem: { status: 'unsupported', sentence }
})

/** A folder that may not be read is passed over; what ends the whole scan goes on. */
function unlessUnreadable(error: unknown): void {
  if (!(error instanceof Error && 'syscall' in error)) throw error
}
