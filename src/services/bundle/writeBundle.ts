import { createHash } from 'node:crypto'
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fsyncDirectory, makeFolder, sha256File, writeError } from '../../engine/formats/files'
import { sweepTemporaries, temporaryName } from '../../engine/formats/temporaryNames'
import { badInput } from '../../shared/errors'
import type { WrittenBundle } from '../../shared/exports'
import { RUN_FILES } from '../../shared/runFolder'
import { STATUS_SENTENCES } from '../../shared/runWords'
import { ADAPTER_FILES } from '../export/copyAdapter'
import { assertOutside } from '../outDirectory'
import { getRun } from '../runService'
import { runFolder, type Services } from '../services'
import {
  ADAPTERS_PREFIX,
  type BundleFile,
  type BundleManifest,
  hasPlace,
  MANIFEST_NAME,
  OPTIONAL,
  RUN_PREFIX
} from './manifest'
import { encodeHeader, padding, TAR_BLOCK } from './tarHeader'

export interface BundleOptions {
  /** Also the factors of each block, from which adapters could be written again. */
  readonly factors?: boolean
  /** Whether a bundle that lies at the target is replaced; nothing else ever is. */
  readonly replace?: boolean
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * Writes a completed run with its adapters into one file, complete or not at all.
 *
 * @throws {AppError} BAD_INPUT when the run is not completed, an adapter is gone, or the file exists and is not to be
 *   replaced; IO; CANCELLED
 */
export async function writeBundle(
  services: Services,
  id: string,
  out: string,
  options: BundleOptions = {}
): Promise<WrittenBundle> {
  const run = await getRun(services, id)
  if (run.status !== 'completed')
    throw badInput(`run ${run.id} ${STATUS_SENTENCES[run.status]}; only a completed run can be bundled`)
  const path = await assertOutside(out, run.model)
  const present = await stat(path).catch(() => undefined)
  if (present?.isDirectory()) throw badInput(`${path} is a directory; the name of a new file is needed`)
  if (present !== undefined && !options.replace)
    throw badInput(`${path} exists already; it is replaced only on request`)
  if (present !== undefined && !(await isBundle(path)))
    throw badInput(`${path} is there and is no run bundle; only a bundle is replaced by another, choose another name`)
  const sources = await listSources(services, run, options.factors ?? false)
  const files: BundleFile[] = []
  for (const { name, path } of sources) {
    options.signal?.throwIfAborted()
    files.push({ name, bytes: (await stat(path)).size, sha256: await sha256File(path) })
  }
  const manifest: BundleManifest = {
    format: 'quail-bundle',
    version: 1,
    run: run.id,
    quailVersion: services.version,
    files
  }
  await makeFolder(dirname(path))
  return writeArchive(path, manifest, sources, options)
}

/** Whether a file begins as a bundle does, with the header of its manifest. */
async function isBundle(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TAR_BLOCK), 0, TAR_BLOCK, 0)
    return buffer.toString('latin1', 0, bytesRead).startsWith(`${MANIFEST_NAME}\0`)
  } finally {
    await file.close()
  }
}

interface Source {
  /** In the bundle. */
  readonly name: string
  readonly path: string
}

type BundledRun = Awaited<ReturnType<typeof getRun>>

async function listSources(services: Services, run: BundledRun, factors: boolean): Promise<Source[]> {
  const folder = runFolder(services, run.id)
  const there = await namesIn(folder)
  const top = [
    RUN_FILES.record,
    RUN_FILES.journal,
    RUN_FILES.outcome,
    ...OPTIONAL.filter((name) => there.includes(name))
  ]
  const inside = [RUN_FILES.inputs, ...(factors ? [RUN_FILES.factors] : [])]
  const nested = await Promise.all(
    inside.map(async (name) => (await namesIn(join(folder, name))).map((file) => `${name}/${file}`))
  )
  const ofRun = [...top, ...nested.flat()].map((name) => ({ name: `${RUN_PREFIX}${name}`, path: join(folder, name) }))
  const ofAdapters = await Promise.all(run.variants.map(({ name, adapter }) => adapterSources(run.id, name, adapter)))
  const sources = [...ofRun, ...ofAdapters.flat()]
  const homeless = sources.find(({ name }) => !hasPlace(name))
  if (homeless !== undefined) throw badInput(`${homeless.path} has a name that a bundle does not take`)
  return sources
}

async function adapterSources(run: string, variant: string, adapter: string | null): Promise<Source[]> {
  const names = adapter === null ? [] : await namesIn(adapter)
  if (adapter === null || !names.includes('adapter_model.safetensors')) {
    throw badInput(
      `the adapter of ${variant} is not in ${adapter ?? run} any more; a bundle needs every adapter of the run`
    )
  }
  return ADAPTER_FILES.filter((name) => names.includes(name)).map((name) => ({
    name: `${ADAPTERS_PREFIX}${variant}/${name}`,
    path: join(adapter, name)
  }))
}

const namesIn = async (directory: string): Promise<string[]> => {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort()
}

async function writeArchive(
  path: string,
  manifest: BundleManifest,
  sources: readonly Source[],
  { signal, onProgress }: BundleOptions
): Promise<WrittenBundle> {
  const temporary = temporaryName(resolve(path))
  await sweepTemporaries(resolve(path))
  try {
    const archive = new ArchiveWriter(await open(temporary, 'wx'))
    try {
      const head = Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`)
      await archive.write(encodeHeader({ name: MANIFEST_NAME, bytes: head.length }))
      await archive.write(head)
      await archive.pad(head.length)
      for (const [i, file] of manifest.files.entries()) {
        signal?.throwIfAborted()
        onProgress?.(i, manifest.files.length)
        await archive.add(file, sources[i]!.path)
      }
      await archive.write(Buffer.alloc(2 * TAR_BLOCK))
      await archive.sync()
    } finally {
      await archive.close()
    }
    await rename(temporary, path)
    await fsyncDirectory(dirname(path))
    return { path, files: manifest.files.length, ...archive.written() }
  } catch (error) {
    await rm(temporary, { force: true })
    if (signal?.aborted) throw error
    throw await writeError(error, path)
  }
}

class ArchiveWriter {
  readonly #file: FileHandle
  readonly #hash = createHash('sha256')
  #bytes = 0

  constructor(file: FileHandle) {
    this.#file = file
  }

  async write(data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.byteLength; ) {
      done += (await this.#file.write(data, done, data.byteLength - done)).bytesWritten
    }
    this.#hash.update(data)
    this.#bytes += data.byteLength
  }

  pad(bytes: number): Promise<void> {
    return this.write(Buffer.alloc(padding(bytes)))
  }

  /** Adds a file; one that changed since it was hashed would make a bundle that nobody can import. */
  async add(file: BundleFile, path: string): Promise<void> {
    await this.write(encodeHeader(file))
    const hash = createHash('sha256')
    let bytes = 0
    const source = await open(path)
    try {
      for await (const piece of source.createReadStream({ autoClose: false, highWaterMark: 2 ** 20 })) {
        bytes += (piece as Buffer).length
        if (bytes > file.bytes) break
        hash.update(piece as Buffer)
        await this.write(piece as Buffer)
      }
    } finally {
      await source.close()
    }
    if (bytes !== file.bytes || hash.digest('hex') !== file.sha256) {
      throw badInput(`${path} was changed while it was bundled; try again`)
    }
    await this.pad(bytes)
  }

  sync(): Promise<void> {
    return this.#file.sync()
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  written(): { bytes: number; sha256: string } {
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') }
  }
}
