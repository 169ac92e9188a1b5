import { open, rename, rm } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { listDirectory, makeFolder } from '../engine/formats/files'
import { isLocked } from '../engine/run/lock'
import { recipePaths } from '../shared/contract/queue'
import { AppError, badInput } from '../shared/errors'
import type { Plan } from '../shared/plan'
import type { Recipe } from '../shared/recipe'
import { isResumable, NOT_RESUMABLE } from '../shared/resumable'
import type { FinishedEvent, RunEvent, RunStatus } from '../shared/runEvents'
import { type ResolvedText, RUN_FILES, type RunOutcome, RunRecord } from '../shared/runFolder'
import { rememberGrants } from '../store/grantedPaths'
import { runsDirectory } from '../store/home'
import { takeQueuedRun } from '../store/queue'
import * as stored from '../store/runQueries'
import * as runs from '../store/runs'
import { withChatTemplate } from './chatTemplates'
import { isExecutingHere, whileExecuting } from './executingRuns'
import { momentStore } from './moments'
import { checkRunOut } from './outDirectory'
import { recordEvents } from './recordEvents'
import { newRunId, subjectOf } from './runId'
import { resolveTexts } from './runTexts'
import { runFolder, type Services } from './services'
import { withTemporaryDirectory } from './temporaryDirectory'

export interface RunOptions {
  readonly signal?: AbortSignal | undefined
  /** Receives every event, in order, after it was stored. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined
  /** Whether second moments of earlier runs are used, and those of this one kept; default: yes. */
  readonly keptMoments?: boolean | undefined
}

export interface PlanOptions {
  readonly signal?: AbortSignal | undefined
  /** Where adapters would go; default: the present directory. */
  readonly out?: string | undefined
  /** As of a run. */
  readonly keptMoments?: boolean | undefined
}

/** What a run of this recipe would do and need; nothing is stored. Throws what the run would throw at its start. */
export function planRecipe(
  services: Services,
  recipe: Recipe,
  { measure = false, signal, out = '.', keptMoments = true }: PlanOptions & { measure?: boolean } = {}
): Promise<Plan> {
  const { home, store, engine } = services
  return withTemporaryDirectory(async (inputs) => {
    const moments = keptMoments ? await momentStore(services) : undefined
    await listDirectory(resolve(recipe.model), 'model directory') // named before the texts where all are missing
    const texts = await resolveTexts(store, recipe, inputs)
    const folders = { spool: runsDirectory(home), out: resolve(out) }
    return engine.call('plan', { recipe, ...texts, measure, folders, moments }, { signal })
  })
}

/**
 * Makes a run: its folder with everything needed to execute it, and its row in the database.
 *
 * @param chooseOut - the output directory for the run's id
 * @throws {AppError} BAD_INPUT when a text cannot be used or the output directory is not empty; nothing is left behind
 */
export async function createRun(
  services: Services,
  recipe: Recipe,
  chooseOut: (id: string) => string,
  { sweep, ...options }: runs.InsertOptions & Pick<RunRecord, 'sweep'> = {}
): Promise<RunRecord> {
  const id = newRunId(subjectOf(recipe))
  const model = resolve(recipe.model)
  const base = recipe.base === undefined ? undefined : resolve(recipe.base)
  await listDirectory(model, 'model directory')
  const out = await checkRunOut(chooseOut(id), { model, base })
  const folder = runFolder(services, id)
  await makeFolder(folder)
  try {
    const texts = await resolveTexts(services.store, recipe, join(folder, RUN_FILES.inputs))
    const inFolder = (text: ResolvedText): ResolvedText => ({ ...text, path: pathIn(folder, text.path) })
    const absolute = { ...recipe, model, ...(base !== undefined && { base }) }
    const templated = await withChatTemplate(services.engine, absolute, texts)
    const record: RunRecord = {
      version: 1,
      id,
      createdAtMs: Date.now(),
      quailVersion: services.version,
      recipe: templated.recipe,
      out,
      outIsAdapter: recipe.variants.length === 1,
      calibration: templated.calibration.map(inFolder),
      evaluation: templated.evaluation.map(inFolder),
      ...(sweep && { sweep })
    }
    await writeRecord(folder, RunRecord.parse(record))
    await runs.insertRun(services.store, record, options)
    // Whoever starts a run named these, or chose them: its recipe can be used again without being asked.
    await rememberGrants(services.store, recipePaths(record.recipe))
    return record
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** Executes a run that was just made. */
export async function startRun(services: Services, id: string, options: RunOptions = {}): Promise<FinishedEvent> {
  return whileExecuting(services.store, id, async () => {
    await stored.getRun(services.store, id)
    return execute(services, id, options)
  })
}

/**
 * Goes on with a run that was interrupted, cancelled or failed, after its last finished block; starts one that is queued.
 *
 * @param out - another directory for the adapters; default: that of the run
 * @throws {AppError} BAD_INPUT when it is completed or would fail again, or for a directory as `createRun`; LOCKED while
 *   another process works on it
 */
export async function resumeRun(
  services: Services,
  id: string,
  { out, ...options }: RunOptions & { readonly out?: string | undefined } = {}
): Promise<FinishedEvent> {
  const run = await getRun(services, id)
  if (run.status === 'completed') throw badInput(`run ${run.id} is completed; its result lies in ${run.out}`)
  if (run.status === 'running') throw stillRunning(run.id)
  if (run.status !== 'queued') assertResumable(run)
  if (out !== undefined) await moveOut(services, run.id, out)
  if (run.status === 'queued') return startQueuedRun(services, run.id, options)
  return whileExecuting(services.store, run.id, async () => {
    await runs.resumeRun(services.store, run.id)
    return execute(services, run.id, options)
  })
}

/**
 * Has a run write its adapters elsewhere, from its next process on.
 *
 * @throws {AppError} BAD_INPUT for a directory as `createRun`
 */
export async function moveOut(services: Services, id: string, out: string): Promise<void> {
  const folder = runFolder(services, id)
  const { record } = await stored.getRun(services.store, id)
  const moved = { ...record, out: await checkRunOut(out, record.recipe) }
  await writeRecord(folder, moved)
  await runs.moveRun(services.store, id, moved.out)
}

/**
 * Executes a run that waits in the queue: from the start, or after its last finished block when it was begun before.
 *
 * @throws {AppError} LOCKED when it waits no more: another process took it, or took it out of the queue
 */
export function startQueuedRun(services: Services, id: string, options: RunOptions = {}): Promise<FinishedEvent> {
  return whileExecuting(services.store, id, async () => {
    if (!(await takeQueuedRun(services.store, id)))
      throw new AppError('LOCKED', `run ${id} is not in the queue any more`)
    return execute(services, id, options)
  })
}

async function execute(
  services: Services,
  id: string,
  { signal, onEvent, keptMoments = true }: RunOptions
): Promise<FinishedEvent> {
  const { store, engine } = services
  const stop = new AbortController()
  const leave = (): void => stop.abort()
  signal?.addEventListener('abort', leave)
  if (signal?.aborted) leave()
  const recorder = recordEvents(store, id, onEvent, leave)
  const moments = keptMoments ? await momentStore(services) : undefined
  const { finished } = await engine
    .call('run', { folder: runFolder(services, id), moments }, { signal: stop.signal, onEvent: recorder.accept })
    .finally(() => signal?.removeEventListener('abort', leave))
  if (finished.type !== 'finished') throw new AppError('INTERNAL', 'a run ended with another event than finished')
  await recorder.drain()
  await runs.finishRun(store, id, outcomeOf(finished))
  return finished
}

const outcomeOf = ({ status, atMs, perplexity, variants, error }: FinishedEvent): RunOutcome => ({
  version: 1,
  status,
  finishedAtMs: atMs,
  perplexity,
  variants,
  ...(error && { error })
})

/** A run as others see it: one that is stored as running, but on which no process works, is interrupted. */
export type Run<T extends stored.RunSummary = stored.StoredRun> = Omit<T, 'status'> & { readonly status: RunStatus }

/** One run by its id, or by the beginning of it where only one run's id begins so. */
export async function getRun(services: Services, id: string): Promise<Run> {
  return withStatus(services, await stored.getRun(services.store, await completeId(services, id)))
}

/** Runs that wait, in the order in which they will be worked on. */
export async function listQueuedRuns({ store }: Services): Promise<Run<stored.RunSummary>[]> {
  return stored.listQueue(store)
}

/** All runs, or those of a project, the newest first. */
export async function listRuns(
  services: Services,
  filter: Pick<stored.RunsFilter, 'project'> = {}
): Promise<Run<stored.RunSummary>[]> {
  const found = await stored.listRuns(services.store, filter)
  return Promise.all(found.map((run) => withStatus(services, run)))
}

/**
 * Removes a run from the database, and its folder. Adapters that it exported stay where they are.
 *
 * @throws {AppError} BAD_INPUT when there is no such run; LOCKED while a process works on it
 */
export async function deleteRun(services: Services, id: string): Promise<Run> {
  const run = await assertNotWorkedOn(services, id)
  await runs.deleteRun(services.store, run.id)
  await rm(runFolder(services, run.id), { recursive: true, force: true })
  return run
}

/** The run; throws LOCKED while a process works on it. */
export async function assertNotWorkedOn(services: Services, id: string): Promise<Run> {
  const run = await getRun(services, id)
  if (run.status === 'running') throw stillRunning(run.id)
  return run
}

/** The status of a stored run as others see it. */
export async function statusOf(services: Services, run: stored.RunSummary): Promise<RunStatus> {
  return (await withStatus(services, run)).status
}

async function withStatus<T extends stored.RunSummary>(services: Services, run: T): Promise<Run<T>> {
  if (run.status !== 'running') return run
  return { ...run, status: (await isWorkedOn(services, run.id)) ? 'running' : 'interrupted' }
}

const isWorkedOn = async (services: Services, id: string): Promise<boolean> =>
  isExecutingHere(services.store, id) || (await isLocked(runFolder(services, id)))

/** Ids of the runs that some process executes now. */
export async function listExecuting(services: Services): Promise<string[]> {
  const running = await stored.listRunning(services.store)
  const alive = await Promise.all(running.map((id) => isWorkedOn(services, id)))
  return running.filter((_id, index) => alive[index])
}

async function completeId({ store }: Services, id: string): Promise<string> {
  const matches = await stored.findRunIds(store, id)
  if (matches.includes(id)) return id
  if (matches.length > 1) throw badInput(`"${id}" is the beginning of several runs: ${matches.slice(0, 5).join(', ')}`)
  return matches[0] ?? id
}

/** @throws {AppError} BAD_INPUT for a run that failed for what no further attempt changes */
export function assertResumable(run: Pick<Run, 'id' | 'status' | 'error'>): void {
  if (isResumable(run)) return
  throw badInput(`run ${run.id} failed and cannot go on: ${run.error?.message}; ${NOT_RESUMABLE}`)
}

const stillRunning = (id: string): AppError =>
  new AppError('LOCKED', `another process is working on run ${id}; wait for it, or stop it first`)

/** Texts that lie in the run folder are named relative to it, so that the folder can be moved. */
function pathIn(folder: string, path: string): string {
  const way = relative(folder, path)
  return way.startsWith('..') || resolve(way) === way ? path : way
}

/** Written beside and renamed: a run folder holds a whole record or none. */
async function writeRecord(folder: string, record: RunRecord): Promise<void> {
  const path = join(folder, RUN_FILES.record)
  const file = await open(`${path}.new`, 'w')
  try {
    await file.writeFile(`${JSON.stringify(record, null, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}
