import { access, rename, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { Kysely, sql } from 'kysely'
import { AppError, badFormat } from '../shared/errors'
import type { TextSource } from '../shared/recipe'
import { type ResolvedText, refinedVariants, solvedBlocks } from '../shared/runFolder'
import { saveArtifact } from './artifacts'
import { importSet, listSets } from './calibrationSets'
import { closeStore, inTransaction, openStore } from './database'
import { SqliteDialect } from './dialect'
import { saveLayerResults } from './layerResults'
import {
  type FolderProblem,
  type FoundRun,
  listRunFolders,
  problemOf,
  readRunFolder,
  readRunLabels,
  readSampleFile
} from './runFolders'
import { setRunLabels } from './runLabels'
import { finishRun, insertRun, saveRefinement } from './runs'
import type { Store } from './schema'
import { isBusy } from './sqliteErrors'

export interface Rebuilt {
  readonly runs: number
  readonly calibrationSets: number
  /** What could not be taken over, one entry for each folder or file. */
  readonly problems: readonly FolderProblem[]
  /** Where the database that was there before lies now; undefined when there was none. */
  readonly setAside: string | undefined
}

/**
 * Makes a new database from the run folders: runs with what people called them, recipes, models, layer results, artifacts,
 * and the calibration sets that runs used. Events, projects and unused calibration sets are nowhere else; they stay in the old file, which is
 * kept under another name. A run without an outcome becomes 'running'.
 *
 * The old file is not touched before the new one is complete.
 * @throws AppError LOCKED when another process has the old database open
 */
export async function rebuildStore(file: string, runsDirectory: string): Promise<Rebuilt> {
  const fresh = `${file}.${process.pid}.rebuilding`
  await removeDatabase(fresh)
  const problems: FolderProblem[] = []
  const store = await openStore(fresh)
  try {
    const found = await takeOver(store, runsDirectory, problems)
    await closeStore(store)
    const setAside = await putAside(file)
    await rename(fresh, file)
    return { ...found, problems, setAside }
  } finally {
    await closeStore(store)
    await removeDatabase(fresh)
  }
}

async function takeOver(store: Store, runsDirectory: string, problems: FolderProblem[]) {
  let runs = 0
  for (const folder of await listRunFolders(runsDirectory)) {
    try {
      problems.push(...(await takeOverFolder(store, folder)))
      runs++
    } catch (error) {
      problems.push(problemOf(folder, error))
    }
  }
  return { runs, calibrationSets: (await listSets(store)).length }
}

/**
 * Enters the run of one folder into a database, with the calibration sets that it used.
 *
 * @returns what of its labels and calibration sets could not be restored
 * @throws AppError BAD_FORMAT when the folder is damaged or holds another run
 */
export async function takeOverFolder(store: Store, folder: string): Promise<FolderProblem[]> {
  const problems: FolderProblem[] = []
  const run = await readRunFolder(folder)
  if (run.record.id !== basename(folder)) throw badFormat(`${folder} holds the run "${run.record.id}"`)
  await inTransaction(store, (trx) => insertFound(trx, run))
  await restoreLabels(store, run, problems)
  await restoreSets(store, run, problems)
  return problems
}

async function insertFound(store: Store, { record, journal, outcome, artifacts }: FoundRun): Promise<void> {
  await insertRun(store, record)
  for (const { block, results } of solvedBlocks(journal)) {
    await saveLayerResults(
      store,
      record.id,
      results.map((result) => ({ ...result, block }))
    )
  }
  for (const entry of refinedVariants(journal).values()) await saveRefinement(store, record.id, entry)
  for (const artifact of artifacts) await saveArtifact(store, record.id, artifact)
  if (outcome !== undefined) await finishRun(store, record.id, outcome)
}

/** A run is worth more than what it is called: one whose labels are damaged is there without. */
async function restoreLabels(store: Store, { folder, record }: FoundRun, problems: FolderProblem[]): Promise<void> {
  try {
    const labels = await readRunLabels(folder)
    if (labels !== undefined) await setRunLabels(store, record.id, labels)
  } catch (error) {
    problems.push(problemOf(folder, error))
  }
}

/** The calibration sets that a run used lie in its inputs; the first run that is met restores each. */
async function restoreSets(store: Store, { folder, record }: FoundRun, problems: FolderProblem[]): Promise<void> {
  const { calibration, evaluation } = record.recipe
  await restoreSet(calibration, record.calibration)
  if (evaluation !== undefined) await restoreSet(evaluation, record.evaluation)

  async function restoreSet({ set }: TextSource, texts: readonly ResolvedText[]): Promise<void> {
    const text = texts.find(({ kind }) => kind !== 'text')
    if (set === undefined || text === undefined) return
    if ((await listSets(store)).some(({ name }) => name === set)) return
    try {
      const source = { path: text.path, sha256: text.sha256 }
      const hints = { restoredFromRun: record.id, kind: text.kind === 'messages' ? 'messages' : 'text' }
      const samples = await readSampleFile(folder, text)
      const { policy } = record.recipe
      await importSet(store, { name: set, policy, hints, source, samples, importedAtMs: record.createdAtMs })
    } catch (error) {
      problems.push(problemOf(`${folder}/${text.path}`, error))
    }
  }
}

const SIDE_FILES = ['', '-wal', '-shm']

async function removeDatabase(file: string): Promise<void> {
  for (const suffix of SIDE_FILES) await rm(`${file}${suffix}`, { force: true })
}

/** Renames a database, with the log that belongs to it, to a name that is free. */
async function putAside(file: string): Promise<string | undefined> {
  if (!(await exists(file))) return undefined
  await assertNotInUse(file)
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-')
  const aside = `${file}.before-rebuild-${stamp}`
  for (const suffix of SIDE_FILES) {
    if (await exists(`${file}${suffix}`)) await rename(`${file}${suffix}`, `${aside}${suffix}`)
  }
  return aside
}

/**
 * Leaving the WAL mode needs the file for oneself, so it tells whether another process has it open; it also folds the
 * log into the file. A file that is too damaged to be opened is in nobody's use.
 */
async function assertNotInUse(file: string): Promise<void> {
  const database = new Kysely<unknown>({ dialect: new SqliteDialect(file) })
  try {
    await sql`pragma busy_timeout = 0`.execute(database)
    await sql`pragma journal_mode = delete`.execute(database)
  } catch (error) {
    if (!isBusy(error)) return
    throw new AppError('LOCKED', `${file} is open in another process of Quail; close it and try again`, {
      cause: error
    })
  } finally {
    await database.destroy()
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false
  )
