import { lstat, open, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Candidate } from './candidate'
import { isDirectory, type ScanBudget } from './scanBudget'

/*
 * Layout of a Hugging Face cache: models--ORG--NAME/{refs/BRANCH, blobs/HASH, snapshots/COMMIT/FILE}. Files of a snapshot
 * are links to blobs, or the files themselves where links cannot be made. A download in progress, or one that was broken
 * off, has blobs that end in .incomplete.
 */

const PREFIX = 'models--'
/** A ref holds a commit: 40 hexadecimal digits, with room for a line end. */
const MAX_REF_BYTES = 256

export const isRepository = (name: string): boolean => name.startsWith(PREFIX) && name.length > PREFIX.length

/** Every snapshot of every model of a cache, and the models without one; what was found before an end by budget stays. */
export async function scanHubCache(
  cache: string,
  budget: ScanBudget,
  origin: Pick<Candidate, 'source' | 'foundIn'>,
  found: Candidate[]
): Promise<void> {
  for (const name of (await budget.namesIn(cache)).filter(isRepository)) {
    const repository = join(cache, name)
    if (await isDirectory(repository)) found.push(...(await scanRepository(repository, budget, origin)))
  }
}

/** The snapshots of one model: the one that refs/main names first, then the newest. */
export async function scanRepository(
  repository: string,
  budget: ScanBudget,
  origin: Pick<Candidate, 'source' | 'foundIn'>
): Promise<Candidate[]> {
  const named = { ...nameOf(basename(repository)), ...origin }
  try {
    const partial = await countPartial(join(repository, 'blobs'), budget)
    const refs = await readRefs(join(repository, 'refs'), budget)
    const snapshots = join(repository, 'snapshots')
    const found: Candidate[] = []
    for (const revision of await namesIfThere(snapshots, budget)) {
      const directory = join(snapshots, revision)
      if (!(await isDirectory(directory))) continue
      const problem = await whatIsMissing(directory, partial, budget)
      const modifiedAtMs = await modifiedAt(directory)
      const candidate = { ...named, directory, revision, refs: refs.get(revision) ?? [], modifiedAtMs }
      found.push(problem === undefined ? candidate : { ...candidate, problem: incomplete(problem) })
    }
    return found.length > 0 ? found.sort(mainFirst) : [withoutSnapshot(repository, named, partial)]
  } catch (error) {
    if (!isSystemError(error)) throw error
    const sentence = `${repository} cannot be read: ${error.code}`
    return [{ ...withoutSnapshot(repository, named, 0), problem: { status: 'unsupported', sentence } }]
  }
}

/** `org/name` of a snapshot's own path, where it lies in a cache. */
export function nameOfSnapshot(directory: string): Pick<Candidate, 'name' | 'organisation' | 'revision'> | undefined {
  const [repository, snapshots, revision] = directory.split(/[\\/]/).slice(-3)
  if (repository === undefined || revision === undefined || snapshots !== 'snapshots') return undefined
  return isRepository(repository) ? { ...nameOf(repository), revision } : undefined
}

/** `models--meta-llama--Llama-3.2-1B`; models of the early days have no organisation. */
function nameOf(repository: string): Pick<Candidate, 'name' | 'organisation'> {
  const [first = '', ...rest] = repository.slice(PREFIX.length).split('--')
  return rest.length === 0 ? { organisation: null, name: first } : { organisation: first, name: rest.join('--') }
}

const withoutSnapshot = (
  repository: string,
  named: Pick<Candidate, 'name' | 'organisation' | 'source' | 'foundIn'>,
  partial: number
): Candidate => ({
  ...named,
  directory: repository,
  revision: null,
  refs: [],
  modifiedAtMs: null,
  problem: incomplete(
    partial > 0
      ? `the download did not finish: ${files(partial)} partly there, and no snapshot`
      : 'no snapshot of this model is in the cache'
  )
})

const files = (count: number): string => (count === 1 ? '1 file is' : `${count} files are`)

const incomplete = (sentence: string): NonNullable<Candidate['problem']> => ({ status: 'incomplete', sentence })

/** A sentence about a snapshot that misses files, as far as the names alone tell. */
async function whatIsMissing(snapshot: string, partialBlobs: number, budget: ScanBudget): Promise<string | undefined> {
  const names = await budget.namesIn(snapshot)
  const dangling: string[] = []
  for (const name of names) if (await isDangling(join(snapshot, name))) dangling.push(name)
  if (dangling.length > 0) {
    const [first, ...rest] = dangling
    const more = rest.length === 0 ? '' : ` and ${rest.length} more`
    return `the download is not complete: the content of ${first}${more} is not in the cache`
  }
  return names.some(isWeights) || partialBlobs === 0 ? undefined : unfinished(partialBlobs).sentence
}

export const isWeights = (name: string): boolean => /\.(safetensors|bin|gguf|pth|pt|h5|msgpack)$/.test(name)

/** Files of a download that was not finished. */
export const countPartial = async (directory: string, budget: ScanBudget): Promise<number> =>
  (await namesIfThere(directory, budget)).filter((name) => name.endsWith('.incomplete')).length

/** A download of which some files are begun and no weights are there. */
export const unfinished = (partial: number): NonNullable<Candidate['problem']> =>
  incomplete(`the download did not finish: ${files(partial)} partly there, and no weights`)

async function isDangling(path: string): Promise<boolean> {
  const link = await lstat(path).catch(() => undefined)
  if (link?.isSymbolicLink() !== true) return false
  return (await stat(path).catch(() => undefined)) === undefined
}

/** Names of refs by the commit that they hold. */
async function readRefs(directory: string, budget: ScanBudget): Promise<ReadonlyMap<string, string[]>> {
  const refs = new Map<string, string[]>()
  for (const name of await namesIfThere(directory, budget)) {
    const commit = await readRef(join(directory, name))
    if (commit !== undefined) refs.set(commit, [...(refs.get(commit) ?? []), name])
  }
  return refs
}

async function readRef(path: string): Promise<string | undefined> {
  // A pipe or a device would keep the scan waiting for ever.
  if ((await stat(path).catch(() => undefined))?.isFile() !== true) return undefined
  const file = await open(path, 'r').catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_REF_BYTES), 0, MAX_REF_BYTES, 0)
    return buffer.toString('utf8', 0, bytesRead).trim() || undefined
  } catch {
    return undefined
  } finally {
    await file.close()
  }
}

const namesIfThere = async (directory: string, budget: ScanBudget): Promise<string[]> =>
  (await isDirectory(directory)) ? budget.namesIn(directory) : []

export const modifiedAt = (path: string): Promise<number | null> =>
  stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => null
  )

const mainFirst = (a: Candidate, b: Candidate): number =>
  Number(b.refs.includes('main')) - Number(a.refs.includes('main')) || (b.modifiedAtMs ?? 0) - (a.modifiedAtMs ?? 0)

const isSystemError = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && 'syscall' in error
