import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Engine } from '../../engine/worker/pool'
import { badInput } from '../../shared/errors'
import type { Discovery, FoundModel, SearchedPlace } from '../../shared/models'
import { huggingFaceCaches } from './caches'
import type { Candidate } from './candidate'
import { scanFolder } from './folders'
import { modifiedAt, scanHubCache } from './hubCache'
import { SCAN_LIMITS, ScanBudget, type ScanLimits, sentenceOf } from './scanBudget'

export interface DiscoveryRequest {
  readonly engine: Pick<Engine, 'call'>
  readonly env: NodeJS.ProcessEnv
  /** The user's home directory, where the default cache lies. */
  readonly userHome?: string
  /** Folders that the person added. */
  readonly folders: readonly string[]
  /** Directory of Quail's resources, which holds the sample model. */
  readonly resources: string
  readonly signal: AbortSignal
  readonly progress?: (report: { done: number; total: number | null; label: string }) => void
  readonly limits?: ScanLimits
}

/**
 * Finds the checkpoints of this machine: the sample, those in Hugging Face caches, those in added folders. Names, config
 * and headers are read, nothing is written. What cannot be read is in the list with a sentence.
 *
 * @throws {AppError} CANCELLED when the signal aborts
 */
export async function discoverModels(request: DiscoveryRequest): Promise<Discovery> {
  const { env, userHome, folders, resources, signal, limits = SCAN_LIMITS } = request
  const budget = new ScanBudget(limits, signal)
  const scanned: { place: Omit<SearchedPlace, 'models' | 'onlyHere'>; found: Candidate[] }[] = []
  const scan = async (
    path: string,
    source: Candidate['source'],
    look: (found: Candidate[]) => Promise<unknown>
  ): Promise<void> => {
    request.progress?.({ done: 0, total: null, label: `Searching ${path}` })
    const found: Candidate[] = []
    const problem = await look(found).then(
      () => null,
      (error: unknown) => sentenceOf(error, signal)
    )
    scanned.push({ place: { path, source, problem }, found })
  }
  await scan(resources, 'sample', async (found) => found.push(await sampleIn(resources)))
  for (const folder of folders) await scan(folder, 'folder', (found) => scanFolder(folder, budget, found))
  for (const cache of await huggingFaceCaches(env, userHome)) {
    const origin = { source: 'cache', foundIn: cache } as const
    await scan(cache, 'cache', (found) => scanHubCache(cache, budget, origin, found))
  }
  const candidates = eachOnce(scanned.flatMap(({ found }) => found))
  const models: FoundModel[] = []
  for (const [done, candidate] of candidates.entries()) {
    request.progress?.({ done, total: candidates.length, label: `Reading ${candidate.name}` })
    signal.throwIfAborted()
    models.push(await readModel(candidate, request.engine, signal, limits.perModelMs))
  }
  const directories = scanned.map(({ found }) => checkpointsOf(found))
  const places = scanned.map(({ place }, i) => {
    const own = directories[i] as ReadonlySet<string>
    const others = directories.filter((_, j) => j !== i)
    const onlyHere = [...own].filter((directory) => !others.some((other) => other.has(directory))).length
    return { ...place, models: own.size, onlyHere }
  })
  return { models, places, scannedAtMs: Date.now() }
}

/** The directories of checkpoints; a folder without one is listed too, but is none. */
const checkpointsOf = (found: readonly Candidate[]): ReadonlySet<string> =>
  new Set(found.filter(({ problem }) => problem?.status !== 'unsupported').map(({ directory }) => directory))

/**
 * Ids of the checkpoints in a folder, ready or not.
 *
 * @throws {AppError} BAD_INPUT when there is none
 */
export async function checkpointsIn(folder: string, signal: AbortSignal): Promise<string[]> {
  const found: Candidate[] = []
  await scanFolder(folder, new ScanBudget(SCAN_LIMITS, signal), found)
  const nothing = found.find(({ problem }) => problem?.status === 'unsupported')
  if (nothing?.problem !== undefined && found.length === 1) throw badInput(nothing.problem.sentence)
  return found.map(({ directory }) => modelId(directory))
}

/** The id of a checkpoint's directory, for addresses of pages. */
export const modelId = (directory: string): string => createHash('sha256').update(directory).digest('hex').slice(0, 16)

/** Directory of the sample model below Quail's resources. */
export const sampleModelDirectory = (resources: string): string => join(resources, 'sample', 'model')

async function sampleIn(resources: string): Promise<Candidate> {
  const directory = sampleModelDirectory(resources)
  return {
    directory,
    name: 'Sample model',
    organisation: 'Quail',
    source: 'sample',
    foundIn: resources,
    revision: null,
    refs: [],
    modifiedAtMs: await modifiedAt(directory)
  }
}

/** A folder that was added may lie in a cache: it is one model. */
function eachOnce(candidates: readonly Candidate[]): Candidate[] {
  const byDirectory = new Map<string, Candidate>()
  for (const candidate of candidates) {
    const known = byDirectory.get(candidate.directory)
    // The cache knows the refs of a snapshot, the added folder that a person wants to see it.
    if (known === undefined) byDirectory.set(candidate.directory, candidate)
    else byDirectory.set(candidate.directory, { ...candidate, source: known.source, foundIn: known.foundIn })
  }
  return [...byDirectory.values()]
}

const UNREAD = { family: null, parameters: null, dtypes: [], bytes: null, chatTemplate: false } as const

async function readModel(
  { problem, ...candidate }: Candidate,
  engine: Pick<Engine, 'call'>,
  signal: AbortSignal,
  timeoutMs: number
): Promise<FoundModel> {
  const model = { id: modelId(candidate.directory), ...candidate }
  if (problem?.status === 'unsupported')
    return { ...model, ...UNREAD, status: 'unsupported', problems: [problem.sentence] }
  // AbortSignal.timeout is not used: with AbortSignal.any it loses its timer when garbage is collected, on Node 20.
  const reading = new AbortController()
  const giveUp = (): void => reading.abort()
  const timer = setTimeout(giveUp, timeoutMs)
  signal.addEventListener('abort', giveUp, { once: true })
  if (signal.aborted) giveUp()
  try {
    const survey = await engine.call('survey', { path: candidate.directory }, { signal: reading.signal })
    const { modelType, parameters, dtypes, bytes, chatTemplate, missingShards } = survey
    const facts = { family: survey.family ?? modelType, parameters, dtypes, bytes, chatTemplate }
    if (problem !== undefined) return { ...model, ...facts, status: 'incomplete', problems: [problem.sentence] }
    if (survey.problems.length === 0) return { ...model, ...facts, status: 'ready', problems: [] }
    const status = missingShards > 0 ? 'incomplete' : 'unsupported'
    return { ...model, ...facts, status, problems: survey.problems }
  } catch (error) {
    signal.throwIfAborted()
    const sentence = reading.signal.aborted
      ? `reading it took longer than ${timeoutMs / 1000} s`
      : sentenceOf(error, signal)
    return { ...model, ...UNREAD, status: 'unsupported', problems: [sentence] }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}
