import { readdir, rm, stat, statfs } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isLocked } from '../../engine/run/lock'
import { badInput } from '../../shared/errors'
import { RUN_FILES } from '../../shared/runFolder'
import { STATUS_WORDS } from '../../shared/runWords'
import type { Cleanup, RunStorage, StorageReport } from '../../shared/settings'
import { adaptersDirectory, databaseFile, momentsDirectory, runsDirectory } from '../../store/home'
import type { RunSummary } from '../../store/runQueries'
import { listRuns, type Run } from '../runService'
import { runFolder, type Services } from '../services'

/*
 * What lies below Quail's folder. Cleaning up removes only what can be made again or is a copy; adapters, factors, inputs
 * and results are never touched.
 */

interface Removable extends Cleanup {
  readonly paths: readonly string[]
  /** Of a run: it must not be worked on. */
  readonly folder?: string
}

/** Sizes of everything below Quail's folder, and what could be removed. */
export async function storageReport(services: Services): Promise<StorageReport> {
  const { home } = services
  const runs = await listRuns(services)
  const ofRuns = await Promise.all(runs.map((run) => runStorage(services, run)))
  const [bytes, database, adapters, moments, allRuns] = await Promise.all([
    sizeOf(home),
    sizeOf(databaseFile(home)),
    sizeOf(adaptersDirectory(home)),
    sizeOf(momentsDirectory(home)),
    sizeOf(runsDirectory(home))
  ])
  const removable = await findRemovable(services, runs)
  const copies = sum(removable.filter(({ id }) => id.startsWith(COPY)))
  const known = [
    { name: 'Runs', bytes: allRuns },
    { name: 'Adapters', bytes: adapters },
    { name: 'Database', bytes: database },
    { name: 'Second moments for later runs', bytes: moments },
    { name: 'Old copies of the database', bytes: copies }
  ]
  const { bavail, bsize } = await statfs(home)
  return {
    home,
    bytes,
    freeBytes: bavail * bsize,
    parts: [...known, { name: 'Other', bytes: Math.max(0, bytes - sum(known)) }],
    runs: ofRuns.sort((a, b) => b.bytes - a.bytes),
    cleanups: removable.map(({ id, title, bytes: size, loses }) => ({ id, title, bytes: size, loses }))
  }
}

/**
 * Removes what the report named.
 *
 * @param ids - of `StorageReport.cleanups`
 * @returns the bytes that were freed
 * @throws {AppError} BAD_INPUT when one is not, or no longer, in the report; nothing is removed then
 */
export async function cleanUp(services: Services, ids: readonly string[]): Promise<number> {
  const removable = await findRemovable(services, await listRuns(services))
  const chosen = ids.map((id) => {
    const found = removable.find((one) => one.id === id)
    if (found === undefined) throw badInput(`"${id}" is not there to be cleaned up any more; look at the list again`)
    return found
  })
  for (const { paths, folder } of chosen) {
    if (folder !== undefined && (await isLocked(folder))) continue // somebody resumed it a moment ago
    for (const path of paths) await rm(path, { recursive: true, force: true })
  }
  return sum(chosen)
}

const COPY = 'copy:'
const SPOOL = 'spool:'
const MOMENTS = 'moments'
const LOG = 'log'
const LEFTOVERS = 'leftovers'

async function findRemovable(services: Services, runs: readonly Run<RunSummary>[]): Promise<Removable[]> {
  const { home } = services
  const found = [
    ...(await spools(services, runs)),
    ...(await databaseCopies(home)),
    ...(await leftovers(home)),
    await moments(home),
    await logs(home)
  ]
  return found.filter(({ bytes }) => bytes > 0)
}

async function spools(services: Services, runs: readonly Run<RunSummary>[]): Promise<Removable[]> {
  const idle = runs.filter(({ status }) => status !== 'running' && status !== 'queued')
  return Promise.all(
    idle.map(async (run) => {
      const folder = runFolder(services, run.id)
      const path = join(folder, RUN_FILES.spool)
      const loses =
        run.status === 'completed'
          ? 'Nothing: the run is completed.'
          : 'The place to go on from: the run starts at its first block again when it is resumed, with the same result.'
      const title = `Hidden states of ${run.name ?? run.id} (${STATUS_WORDS[run.status]})`
      return { id: `${SPOOL}${run.id}`, title, bytes: await sizeOf(path), loses, paths: [path], folder }
    })
  )
}

/** `quail.db.before-2`, `quail.db.before-rebuild-2026-…`: with the log files that belong to them. */
async function databaseCopies(home: string): Promise<Removable[]> {
  const name = basename(databaseFile(home))
  const copies = (await namesIn(home)).filter((file) => file.startsWith(`${name}.before-`))
  return Promise.all(
    copies
      .filter((file) => !/-(wal|shm)$/.test(file))
      .map(async (file) => {
        const own = [file, `${file}-wal`, `${file}-shm`]
        const paths = copies.filter((other) => own.includes(other)).map((other) => join(home, other))
        const rebuilt = file.startsWith(`${name}.before-rebuild-`)
        const loses = rebuilt
          ? 'The damaged database as it was, with events and projects that a rebuild cannot restore.'
          : 'The way back to an older version of Quail.'
        const sizes = await Promise.all(paths.map(sizeOf))
        return { id: `${COPY}${file}`, title: file, bytes: sizes.reduce((a, b) => a + b, 0), loses, paths }
      })
  )
}

/** Hidden names that end in .tmp, and databases half copied or rebuilt: only a process that died leaves them. */
async function leftovers(home: string): Promise<Removable[]> {
  const old = Date.now() - LEFTOVER_AGE_MS
  const paths: string[] = []
  for (const directory of [home, runsDirectory(home), adaptersDirectory(home)]) {
    for (const name of await namesIn(directory)) {
      if (!/^\..+\.tmp$/.test(name) && !/\.(partial|rebuilding)$/.test(name)) continue
      const path = join(directory, name)
      const found = await stat(path).catch(() => undefined)
      if (found !== undefined && found.mtimeMs < old) paths.push(path)
    }
  }
  const sizes = await Promise.all(paths.map(sizeOf))
  const bytes = sizes.reduce((a, b) => a + b, 0)
  const title = `Unfinished files of ${paths.length === 1 ? 'an interrupted write' : `${paths.length} interrupted writes`}`
  return [{ id: LEFTOVERS, title, bytes, loses: 'Nothing: they were never completed.', paths }]
}

const LEFTOVER_AGE_MS = 24 * 60 * 60 * 1000

async function moments(home: string): Promise<Removable> {
  const path = momentsDirectory(home)
  return {
    id: MOMENTS,
    title: 'Second moments for later runs',
    bytes: await sizeOf(path),
    loses: 'Time alone: later runs calibrate again, with the same result.',
    paths: [path]
  }
}

async function logs(home: string): Promise<Removable> {
  const path = join(home, 'logs')
  return {
    id: LOG,
    title: 'Log of defects',
    bytes: await sizeOf(path),
    loses: 'What a report of a defect would show.',
    paths: [path]
  }
}

async function runStorage(services: Services, { id, name, status }: Run<RunSummary>): Promise<RunStorage> {
  return { id, title: name ?? id, status, bytes: await sizeOf(runFolder(services, id)) }
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => [])

/** Bytes of a file, or of everything below a directory; links are not followed. What vanishes meanwhile counts as 0. */
async function sizeOf(path: string): Promise<number> {
  const own = await stat(path).catch(() => undefined)
  if (own === undefined) return 0
  if (!own.isDirectory()) return own.size
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  const sizes = await Promise.all(
    entries.map((entry) => (entry.isDirectory() || entry.isFile() ? sizeOf(join(path, entry.name)) : 0))
  )
  return sizes.reduce((a, b) => a + b, 0)
}

const sum = (items: readonly { readonly bytes: number }[]): number =>
  items.reduce((total, { bytes }) => total + bytes, 0)
