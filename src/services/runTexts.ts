import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { badInput } from '../shared/errors'
import type { Recipe, TextSource } from '../shared/recipe'
import type { ResolvedText } from '../shared/runFolder'
import { sampleLine } from '../store/calibrationSamples'
import { getSet, readSamples } from '../store/calibrationSets'
import type { Store } from '../store/schema'

/** The texts of a recipe as the engine reads them: absolute paths, sizes and hashes. */
export interface RunTexts {
  readonly calibration: ResolvedText[]
  readonly evaluation: ResolvedText[]
}

/**
 * Finds and hashes every text of a recipe; stored sets are written to `inputs` as JSON lines.
 *
 * @throws {AppError} BAD_INPUT: a file is missing, empty or given twice, or a set has no such name
 */
export async function resolveTexts(store: Store, recipe: Recipe, inputs: string): Promise<RunTexts> {
  const calibration = await resolveSource(store, recipe.calibration, inputs)
  const evaluation = recipe.evaluation === undefined ? [] : await resolveSource(store, recipe.evaluation, inputs)
  return { calibration: withDistinctNames(calibration), evaluation: withDistinctNames(evaluation) }
}

async function resolveSource(store: Store, source: TextSource, inputs: string): Promise<ResolvedText[]> {
  if (source.set !== undefined) return [await exportSet(store, source.set, inputs)]
  const texts: ResolvedText[] = []
  for (const file of source.files ?? []) texts.push(await resolveFile(file))
  const twice = texts.find(({ path }, i) => texts.findIndex((other) => other.path === path) !== i)
  if (twice !== undefined) throw badInput(`${twice.path} is given twice`)
  return texts
}

async function resolveFile(file: string): Promise<ResolvedText> {
  const path = resolve(file)
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
      throw badInput(`${file} does not exist; a text file in UTF-8 is needed`)
    }
    throw error
  })
  if (!found.isFile()) throw badInput(`${file} is not a file; a text file in UTF-8 is needed`)
  if (found.size === 0) throw badInput(`${file} is empty; a text file with words in it is needed`)
  const kind = ['.jsonl', '.ndjson'].includes(extname(path).toLowerCase()) ? 'samples' : 'text'
  return { name: basename(path), path, kind, bytes: found.size, sha256: await hashFile(path) }
}

async function exportSet(store: Store, name: string, inputs: string): Promise<ResolvedText> {
  await getSet(store, name)
  await mkdir(inputs, { recursive: true })
  const path = join(inputs, `${name.replaceAll(/[^\p{L}\p{N}._-]/gu, '_')}.jsonl`)
  const file = await open(path, 'w')
  try {
    for (let after = -1; ; ) {
      const samples = await readSamples(store, name, { after })
      if (samples.length === 0) break
      await file.writeFile(samples.map(({ text }) => sampleLine(text)).join(''))
      after = samples.at(-1)?.position ?? after
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { name, path, kind: 'samples', bytes: (await stat(path)).size, sha256: await hashFile(path) }
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

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}
