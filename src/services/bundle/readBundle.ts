import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { z } from 'zod'
import { fileError, isMissing } from '../../engine/formats/files'
import { refuseOpenLfsPointer } from '../../engine/formats/lfsPointer'
import { missingFile } from '../../engine/formats/missingFile'
import { badFormat, badInput } from '../../shared/errors'
import {
  JournalEntry,
  parseJournal,
  RowLosses,
  RUN_FILES,
  RunLabels,
  RunOutcome,
  RunRecord
} from '../../shared/runFolder'
import {
  type BundleFile,
  BundleManifest,
  hasPlace,
  MANIFEST_NAME,
  MAX_BUNDLE_FILES,
  MAX_MANIFEST_BYTES,
  MAX_TEXT_BYTES,
  REQUIRED,
  RUN_PREFIX
} from './manifest'
import { decodeHeader, padding, TAR_BLOCK, type TarEntry } from './tarHeader'

/** An entry and where its content begins in the archive. */
export interface PlacedEntry extends TarEntry {
  readonly begin: number
}

/** A bundle of which everything was verified. */
export interface CheckedBundle {
  readonly manifest: BundleManifest
  readonly entries: readonly PlacedEntry[]
  readonly record: RunRecord
  readonly outcome: RunOutcome
}

const NEEDED = 'a file that quail bundle wrote is needed'

/** Opens a bundle, gives `work` its file, and closes it. */
export async function withBundle<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path).catch(async (error: unknown) => {
    throw isMissing(error) ? await missingFile(path, { needed: `; ${NEEDED}` }) : fileError(error, path)
  })
  try {
    if (!(await file.stat()).isFile()) throw badInput(`${path} is not a file; ${NEEDED}`)
    await refuseOpenLfsPointer(file, path)
    return await work(file)
  } finally {
    await file.close()
  }
}

/**
 * Reads a whole bundle and verifies it: only plain files with a place in a bundle, each once, all and only those that
 * the manifest lists, with their lengths and hashes; and a record, journal and outcome that belong together. Writes nothing.
 *
 * @throws {AppError} BAD_FORMAT naming the file and what is wrong with it
 */
export async function checkBundle(
  file: FileHandle,
  path: string,
  {
    signal,
    onProgress
  }: { signal?: AbortSignal | undefined; onProgress?: ((done: number, total: number) => void) | undefined } = {}
): Promise<CheckedBundle> {
  const [first, ...entries] = await listEntries(file, path)
  if (first?.name !== MANIFEST_NAME)
    throw badFormat(`${path} is no run bundle: it does not begin with ${MANIFEST_NAME}; ${NEEDED}`)
  if (first.bytes > MAX_MANIFEST_BYTES)
    throw badFormat(`${path}: ${MANIFEST_NAME} has ${first.bytes} bytes, which is too many`)
  const manifest = parse(BundleManifest, (await readEntry(file, first)).toString('utf8'), `${path}: ${MANIFEST_NAME}`)
  matchManifest(entries, manifest, path)
  const files = filesByName(manifest)
  for (const [i, entry] of entries.entries()) {
    signal?.throwIfAborted()
    onProgress?.(i, entries.length)
    await verifyHash(file, entry, files.get(entry.name)!, path)
  }
  return { manifest, entries, ...(await readRun(file, entries, manifest, path)) }
}

async function listEntries(file: FileHandle, path: string): Promise<PlacedEntry[]> {
  const { size } = await file.stat()
  const entries: PlacedEntry[] = []
  for (let at = 0; ; ) {
    if (at + TAR_BLOCK > size) throw badFormat(`${path} is cut off, or is no run bundle`)
    const entry = decodeHeader(await readAt(file, at, TAR_BLOCK), path)
    if (entry === undefined) return entries
    const begin = at + TAR_BLOCK
    at = begin + entry.bytes + padding(entry.bytes)
    if (at > size) throw badFormat(`${path}: ${entry.name} claims ${entry.bytes} bytes, more than the file holds`)
    if (entries.length > MAX_BUNDLE_FILES) throw badFormat(`${path}: more than ${MAX_BUNDLE_FILES} files`)
    entries.push({ ...entry, begin })
  }
}

/** Names are compared without case, as on Windows and macOS two that differ only in it would be one file. */
function matchManifest(entries: readonly PlacedEntry[], manifest: BundleManifest, path: string): void {
  const seen = new Set<string>()
  const files = filesByName(manifest)
  for (const { name } of entries) {
    if (!hasPlace(name)) throw badFormat(`${path}: ${name} has no place in a run bundle`)
    const key = name.toLowerCase()
    if (seen.has(key)) throw badFormat(`${path}: ${name} is there twice`)
    seen.add(key)
  }
  for (const { name, bytes } of entries) {
    const listed = files.get(name)
    if (listed === undefined) throw badFormat(`${path}: ${name} is not listed in ${MANIFEST_NAME}`)
    if (listed.bytes !== bytes) throw badFormat(`${path}: ${name} has ${bytes} bytes, ${listed.bytes} are listed`)
  }
  const missing = [...manifest.files.map(({ name }) => name), ...REQUIRED].find((name) => !seen.has(name.toLowerCase()))
  if (missing !== undefined) throw badFormat(`${path}: ${missing} is missing`)
  if (manifest.files.length !== entries.length) throw badFormat(`${path}: ${MANIFEST_NAME} lists a file twice`)
}

/** What the manifest says of each file. */
export const filesByName = ({ files }: BundleManifest): ReadonlyMap<string, BundleFile> =>
  new Map(files.map((file) => [file.name, file]))

async function verifyHash(file: FileHandle, entry: PlacedEntry, { sha256 }: BundleFile, path: string): Promise<void> {
  const hash = createHash('sha256')
  for await (const piece of piecesOf(file, entry)) hash.update(piece)
  if (hash.digest('hex') !== sha256)
    throw badFormat(`${path}: ${entry.name} is damaged: its hash is not the listed one`)
}

const PIECE = 2 ** 20

/** The content of an entry, piece by piece. */
export async function* piecesOf(file: FileHandle, { begin, bytes }: PlacedEntry): AsyncGenerator<Buffer> {
  for (let done = 0; done < bytes; done += PIECE) yield await readAt(file, begin + done, Math.min(PIECE, bytes - done))
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const data = Buffer.alloc(length)
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(data, done, length - done, at + done)
    if (bytesRead === 0) throw badFormat('the bundle ended while it was read')
    done += bytesRead
  }
  return data
}

const readEntry = (file: FileHandle, { begin, bytes }: PlacedEntry): Promise<Buffer> => readAt(file, begin, bytes)

async function readRun(
  file: FileHandle,
  entries: readonly PlacedEntry[],
  manifest: BundleManifest,
  path: string
): Promise<{ record: RunRecord; outcome: RunOutcome }> {
  const read = async (name: string): Promise<string> => {
    const entry = entries.find((one) => one.name === `${RUN_PREFIX}${name}`)!
    if (entry.bytes > MAX_TEXT_BYTES)
      throw badFormat(`${path}: ${entry.name} has ${entry.bytes} bytes, which is too many`)
    return (await readEntry(file, entry)).toString('utf8')
  }
  const record = parse(RunRecord, await read(RUN_FILES.record), `${path}: ${RUN_FILES.record}`)
  const outcome = parse(RunOutcome, await read(RUN_FILES.outcome), `${path}: ${RUN_FILES.outcome}`)
  const { torn } = parseJournal(await read(RUN_FILES.journal))
  if (torn !== undefined) parse(JournalEntry, torn, `${path}: ${RUN_FILES.journal}`)
  const has = (file: string) => entries.some(({ name }) => name === `${RUN_PREFIX}${file}`)
  if (has(RUN_FILES.rows)) parse(RowLosses, await read(RUN_FILES.rows), `${path}: ${RUN_FILES.rows}`)
  if (has(RUN_FILES.labels)) parse(RunLabels, await read(RUN_FILES.labels), `${path}: ${RUN_FILES.labels}`)
  assertBelongTogether(record, outcome, manifest, path)
  return { record, outcome }
}

function assertBelongTogether(record: RunRecord, outcome: RunOutcome, manifest: BundleManifest, path: string): void {
  if (record.id !== manifest.run)
    throw badFormat(`${path}: ${RUN_FILES.record} is of run "${record.id}", not "${manifest.run}"`)
  if (outcome.status !== 'completed') throw badFormat(`${path}: the run is ${outcome.status}, not completed`)
  const names = new Set(manifest.files.map(({ name }) => name))
  for (const { name } of outcome.variants) {
    for (const file of ['adapter_config.json', 'adapter_model.safetensors']) {
      if (!names.has(`adapters/${name}/${file}`)) throw badFormat(`${path}: adapters/${name}/${file} is missing`)
    }
  }
  // A stored calibration set is restored from its samples: they must come from the bundle, not from this machine's disk.
  const { calibration, evaluation } = record.recipe
  const stored = [
    ...(calibration.set === undefined ? [] : record.calibration),
    ...(evaluation?.set === undefined ? [] : record.evaluation)
  ]
  for (const text of stored) {
    const listed = manifest.files.find(({ name }) => name === `${RUN_PREFIX}${text.path}`)
    if (listed?.sha256 !== text.sha256) throw badFormat(`${path}: ${text.path} is not the text that the run used`)
  }
}

function parse<T>(schema: z.ZodType<T>, text: string, where: string): T {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw badFormat(`${where} is not valid JSON`)
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw badFormat(`${where}: ${issue?.path.join('.') || 'the content'}: ${issue?.message}`)
}
