import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { z } from 'zod'
import { AppError, badFormat, serializeError } from '../shared/errors'
import {
  type JournalEntry,
  parseJournal,
  type ResolvedText,
  RUN_FILES,
  RunLabels,
  RunOutcome,
  RunRecord
} from '../shared/runFolder'
import type { Artifact } from './artifacts'

/** A run as its folder tells of it; `outcome` is undefined while it has not ended. */
export interface FoundRun {
  readonly folder: string
  readonly record: RunRecord
  readonly journal: readonly JournalEntry[]
  readonly outcome: RunOutcome | undefined
  readonly artifacts: readonly Artifact[]
}

/** A folder or file that could not be used, and why, in one sentence. */
export interface FolderProblem {
  readonly path: string
  readonly message: string
}

/** The paths of the folders below the runs directory, by name; none when the directory does not exist. */
export async function listRunFolders(runsDirectory: string): Promise<string[]> {
  const entries = await readdir(runsDirectory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(runsDirectory, entry.name))
    .sort()
}

/**
 * Reads what a run folder says about its run.
 * @throws AppError BAD_FORMAT naming the file that is damaged; an operating system's error when one cannot be read
 */
export async function readRunFolder(folder: string): Promise<FoundRun> {
  const record = await readJson(join(folder, RUN_FILES.record), RunRecord)
  if (record === undefined) throw badFormat(`${folder} holds no ${RUN_FILES.record}`)
  const outcome = await readJson(join(folder, RUN_FILES.outcome), RunOutcome)
  const artifacts = await Promise.all((outcome?.variants ?? []).map(({ name, adapter }) => findArtifact(name, adapter)))
  return { folder, record, journal: await readJournal(folder), outcome, artifacts }
}

/**
 * What people called a run and wrote beside it; undefined where nobody did.
 * @throws AppError BAD_FORMAT naming the file when it is damaged
 */
export const readRunLabels = (folder: string): Promise<RunLabels | undefined> =>
  readJson(join(folder, RUN_FILES.labels), RunLabels)

/** The texts of a samples file, one JSON object with a string `text` per line. */
export async function readSampleFile(folder: string, text: ResolvedText): Promise<string[]> {
  const path = resolve(folder, text.path)
  const lines = (await readFile(path, 'utf8')).split('\n')
  return lines.flatMap((line, index) => {
    if (line === '') return []
    const sample = (parseJson(line) as { text?: unknown } | undefined)?.text
    if (typeof sample !== 'string') throw badFormat(`${path}: line ${index + 1} is not an object with a string "text"`)
    return [sample]
  })
}

/** Why something could not be read, for a list of problems; a defect of ours is not hidden in it. */
export function problemOf(path: string, error: unknown): FolderProblem {
  const { code, message } = serializeError(error)
  if (code === 'INTERNAL') throw error
  return { path, message }
}

const readJournal = async (folder: string): Promise<JournalEntry[]> =>
  parseJournal((await readIfThere(join(folder, RUN_FILES.journal))) ?? '').entries

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readIfThere(path)
  if (text === undefined) return undefined
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
  throw new AppError('BAD_FORMAT', `${path}: ${where}${issue?.message ?? 'not as expected'}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const readIfThere = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })

const ADAPTER_WEIGHTS = 'adapter_model.safetensors'

/** The adapter may have been moved since: then its size and hash are unknown. */
async function findArtifact(variant: string, path: string): Promise<Artifact> {
  const weights = join(path, ADAPTER_WEIGHTS)
  try {
    const { size } = await stat(weights)
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(weights)) hash.update(chunk as Buffer)
    return { variant, path, bytes: size, sha256: hash.digest('hex') }
  } catch {
    return { variant, path, bytes: null, sha256: null }
  }
}
