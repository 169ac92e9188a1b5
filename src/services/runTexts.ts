import { open, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { isMissing, makeFolder, sha256File } from '../engine/formats/files'
import { missingFile } from '../engine/formats/missingFile'
import { type AppError, badInput, deserializeError, serializeError } from '../shared/errors'
import type { Recipe, TextSource } from '../shared/recipe'
import type { ResolvedText } from '../shared/runFolder'
import { IMPORT_PLACES } from '../shared/samples'
import { sampleLine } from '../store/calibrationSamples'
import { findSet, getSet, readSamples } from '../store/calibrationSets'
import type { Store } from '../store/schema'
import { setKindOf } from './calibrationService'
import { rowFormatOf } from './samples/registry'

/** The texts of a recipe as the engine reads them: absolute paths, sizes and hashes. */
export interface RunTexts {
  readonly calibration: ResolvedText[]
  readonly evaluation: ResolvedText[]
}

/** Receives a text that cannot be used: the path, or the name of the set. */
type OnProblem = (role: 'calibration' | 'evaluation', text: string, error: AppError) => void

const throwError: OnProblem = (_role, _text, error) => {
  throw error
}

/**
 * Finds and hashes every text of a recipe; stored sets are written to `inputs` as JSON lines.
 *
 * @param onProblem - when it returns, the text is left out
 * @throws {AppError} BAD_INPUT: a file is missing, empty or given twice, or a set has no such name
 */
export async function resolveTexts(
  store: Store,
  recipe: Recipe,
  inputs: string,
  onProblem: OnProblem = throwError
): Promise<RunTexts> {
  const resolveRole = async (role: 'calibration' | 'evaluation'): Promise<ResolvedText[]> => {
    const source = recipe[role]
    if (source === undefined) return []
    return withDistinctNames(await resolveSource(store, source, inputs, (text, error) => onProblem(role, text, error)))
  }
  return { calibration: await resolveRole('calibration'), evaluation: await resolveRole('evaluation') }
}

async function resolveSource(
  store: Store,
  { set, files = [] }: TextSource,
  inputs: string,
  onProblem: (text: string, error: AppError) => void
): Promise<ResolvedText[]> {
  const texts: ResolvedText[] = []
  const add = async (text: string, resolveText: () => Promise<ResolvedText>): Promise<void> => {
    try {
      const resolved = await resolveText()
      if (texts.some(({ path }) => path === resolved.path)) throw badInput(`${resolved.path} is given twice`)
      texts.push(resolved)
    } catch (error) {
      const failure = serializeError(error)
      if (failure.code === 'INTERNAL') throw error
      onProblem(text, deserializeError(failure))
    }
  }
  if (set !== undefined) await add(set, () => exportSet(store, set, inputs))
  for (const file of files) await add(file, () => resolveFile(store, file))
  return texts
}

/** Endings of files with a sample a line, which a run reads by itself. */
const LINES = ['.jsonl', '.ndjson']

async function resolveFile(store: Store, file: string): Promise<ResolvedText> {
  const path = resolve(file)
  const found = await stat(path).catch(async (error: unknown) => {
    throw isMissing(error) ? await missingFile(file, { needed: await neededFor(store, path) }) : error
  })
  if (!found.isFile()) throw badInput(`${file} is not a file; a text file in UTF-8 is needed`)
  const isLines = LINES.includes(extname(path).toLowerCase())
  const format = isLines ? undefined : rowFormatOf(path)
  if (format !== undefined)
    throw badInput(
      `${file} is a file with rows (${format.name}), of which the texts have to be chosen: import it ` +
        `(${IMPORT_PLACES}) and use the set (set:NAME), or call it .txt if the whole file is the text`
    )
  if (found.size === 0) throw badInput(`${file} is empty; a text file with words in it is needed`)
  const kind = isLines ? 'samples' : 'text'
  return { name: basename(path), path, kind, bytes: found.size, sha256: await sha256File(path) }
}

/** What is accepted where a file is missing: the stored set of its name, which may be what is meant. */
async function neededFor(store: Store, path: string): Promise<string> {
  const set = await findSet(store, basename(path))
  return `; a text file in UTF-8 is needed${set === undefined ? '' : `, or set:${set.name} for the stored set`}`
}

/**
 * Writes a stored set to `inputs` as the file that a run reads.
 *
 * @throws {AppError} BAD_INPUT for an unknown name; whatever the signal aborts with
 */
export async function exportSet(
  store: Store,
  name: string,
  inputs: string,
  signal?: AbortSignal
): Promise<ResolvedText> {
  const kind = setKindOf(await getSet(store, name)) === 'messages' ? 'messages' : 'samples'
  await makeFolder(inputs)
  const path = join(inputs, `${name.replaceAll(/[^\p{L}\p{N}._-]/gu, '_')}.jsonl`)
  const file = await open(path, 'w')
  try {
    for (let after = -1; ; ) {
      signal?.throwIfAborted()
      const samples = await readSamples(store, name, { after })
      if (samples.length === 0) break
      await file.writeFile(samples.map(({ text }) => sampleLine(text)).join(''))
      after = samples.at(-1)?.position ?? after
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { name, path, kind, bytes: (await stat(path)).size, sha256: await sha256File(path, signal) }
}

/** Perplexities are kept by name: texts with one base name are told apart by their directories, then by numbers. */
function withDistinctNames(texts: readonly ResolvedText[]): ResolvedText[] {
  const names = new Set<string>()
  return texts.map((text) => {
    const alone = texts.filter(({ name }) => name === text.name).length === 1
    const name = alone ? text.name : `${basename(dirname(text.path))}/${text.name}`
    let distinct = name
    for (let i = 2; names.has(distinct); i++) distinct = `${name} (${i})`
    names.add(distinct)
    return { ...text, name: distinct }
  })
}
