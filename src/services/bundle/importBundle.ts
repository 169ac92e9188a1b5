import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type FileHandle, open, rename, rm, statfs, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { fileError, fsyncDirectory, makeFolder } from '../../engine/formats/files'
import { sweepTemporaries, temporaryName } from '../../engine/formats/temporaryNames'
import { AppError, badFormat, badInput } from '../../shared/errors'
import type { ImportedBundle } from '../../shared/exports'
import { RUN_FILES, type RunRecord } from '../../shared/runFolder'
import { adaptersDirectory } from '../../store/home'
import { takeOverFolder } from '../../store/rebuild'
import { getRun, listRuns } from '../../store/runQueries'
import { runFolder, type Services } from '../services'
import { ADAPTERS_PREFIX, RUN_PREFIX } from './manifest'
import { type CheckedBundle, checkBundle, filesByName, type PlacedEntry, piecesOf, withBundle } from './readBundle'

export interface ImportOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * Takes a run over from a bundle. Everything is verified before anything is written; then the run folder and the
 * adapters are written beside their places and renamed, and the run enters the database as a rebuild would enter it.
 *
 * A run whose id is taken here by another one gets a new id.
 * @throws {AppError} BAD_FORMAT when the bundle is damaged or hostile; BAD_INPUT when the run is here already; IO;
 *   CANCELLED. Nothing is left behind
 */
export function importBundle(services: Services, path: string, options: ImportOptions = {}): Promise<ImportedBundle> {
  return withBundle(path, async (file) => {
    const bundle = await checkBundle(file, path, options)
    options.signal?.throwIfAborted()
    const id = await freeId(services, bundle.record)
    const bytes = bundle.entries.reduce((sum, entry) => sum + entry.bytes, 0)
    await assertSpace(services.home, bytes)
    const out = join(adaptersDirectory(services.home), id)
    await writeRun(services, file, bundle, { id, out, signal: options.signal })
    const variants = bundle.outcome.variants.map(({ name }) => name)
    return { run: id, originalRun: bundle.record.id, variants, out, bytes }
  })
}

/** The run's own id, or one with a number behind it when another run has it. */
async function freeId(services: Services, record: RunRecord): Promise<string> {
  const base = safeId(record.id)
  const runs = await listRuns(services.store)
  for (const { id } of runs.filter(({ createdAtMs }) => createdAtMs === record.createdAtMs)) {
    const here = await getRun(services.store, id)
    if (isDeepStrictEqual(here.record.recipe, record.recipe))
      throw badInput(`run ${record.id} is here already, as ${id}`)
  }
  const known = new Set(runs.map(({ id }) => id))
  const isTaken = (id: string): boolean =>
    known.has(id) || existsSync(runFolder(services, id)) || existsSync(join(adaptersDirectory(services.home), id))
  let id = base
  for (let number = 2; isTaken(id); number++) id = `${base}-${number}`
  return id
}

/** The id becomes the name of a directory. */
function safeId(id: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(id)) return id
  throw badFormat(
    `the bundle's run id ${JSON.stringify(id.slice(0, 100))} cannot be used; letters, digits and hyphens are expected`
  )
}

async function assertSpace(home: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(home)
  if (bavail * bsize < bytes) {
    throw new AppError('IO', `${home}: the disk is full: the bundle needs ${bytes} bytes, ${bavail * bsize} are free`)
  }
}

async function writeRun(
  services: Services,
  file: FileHandle,
  bundle: CheckedBundle,
  { id, out, signal }: { id: string; out: string; signal: AbortSignal | undefined }
): Promise<void> {
  const folder = runFolder(services, id)
  const [newFolder, newOut] = [temporaryName(folder), temporaryName(out)]
  // What lies at the last places is removed after a failure only if it was put there by this import.
  const own = [newFolder, newOut]
  await Promise.all([sweepTemporaries(folder), sweepTemporaries(out)])
  try {
    await makeFolder(newFolder)
    await makeFolder(newOut)
    const files = filesByName(bundle.manifest)
    for (const entry of bundle.entries) {
      signal?.throwIfAborted()
      const target = targetOf(entry, bundle.record, newFolder, newOut)
      if (target !== undefined) await extract(file, entry, files.get(entry.name)?.sha256, target)
    }
    await writeTexts(newFolder, bundle, id, out)
    await moveIn(newOut, out)
    own.push(out)
    await moveIn(newFolder, folder)
    own.push(folder)
    await takeOverFolder(services.store, folder)
  } catch (error) {
    for (const directory of own) await rm(directory, { recursive: true, force: true })
    throw fileError(error, folder)
  }
}

/** Where an entry goes; undefined for the two texts that name places and are written anew. */
function targetOf({ name }: PlacedEntry, { outIsAdapter }: RunRecord, folder: string, out: string): string | undefined {
  if (name === `${RUN_PREFIX}${RUN_FILES.record}` || name === `${RUN_PREFIX}${RUN_FILES.outcome}`) return undefined
  if (name.startsWith(RUN_PREFIX)) return join(folder, name.slice(RUN_PREFIX.length))
  const inside = name.slice(ADAPTERS_PREFIX.length)
  return join(out, outIsAdapter ? basename(inside) : inside)
}

/** The content is hashed once more: the file may have been changed since it was verified. */
async function extract(
  file: FileHandle,
  entry: PlacedEntry,
  sha256: string | undefined,
  target: string
): Promise<void> {
  await makeFolder(dirname(target))
  const hash = createHash('sha256')
  const written = await open(target, 'wx')
  try {
    for await (const piece of piecesOf(file, entry)) {
      hash.update(piece)
      await written.writeFile(piece)
    }
    await written.sync()
  } finally {
    await written.close()
  }
  if (hash.digest('hex') !== sha256) throw badFormat(`${entry.name} was changed while the bundle was imported`)
}

/** run.json and result.json with the id and the places of this machine. */
async function writeTexts(folder: string, { record, outcome }: CheckedBundle, id: string, out: string): Promise<void> {
  const variants = outcome.variants.map((variant) => ({
    ...variant,
    adapter: record.outIsAdapter ? out : join(out, variant.name)
  }))
  const { sweep: _, ...own } = record // its other runs, and what they are made of, stayed where it was made
  await writeFile(join(folder, RUN_FILES.record), `${JSON.stringify({ ...own, id, out }, null, 2)}\n`, {
    flush: true
  })
  await writeFile(join(folder, RUN_FILES.outcome), `${JSON.stringify({ ...outcome, variants }, null, 2)}\n`, {
    flush: true
  })
}

async function moveIn(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to))
  await rename(from, to)
  await fsyncDirectory(dirname(to))
}
