import { basename, resolve } from 'node:path'
import { sha256File } from '../../engine/formats/files'
import { badInput } from '../../shared/errors'
import type { BadRow, SampleShape, Sampling, SetKind, Split } from '../../shared/samples'
import { chooseSamples } from './choose'
import type { ReadOptions, RowFormat } from './format'
import { splitText } from './plainText'
import { rowFormatOf } from './registry'
import { RowReader } from './rowReader'
import { kindOf, neededColumnsOf } from './shapes'
import { textChunks, userFileBytes } from './userFile'

/*
 * Texts of a user's file cut into samples. What cannot be used is reported with its row, never dropped in silence.
 */

export interface SampleOptions extends ReadOptions {
  /** How plain text is cut; default: the whole file is one sample. */
  readonly split?: Split | undefined
  /** Which columns hold what; default: guessed from their names. */
  readonly shape?: SampleShape | undefined
  readonly sampling?: Sampling | undefined
}

/** What a file holds, beside the samples themselves. */
export interface SampleSummary {
  readonly bytes: number
  /** Of the file: `plain text`, or the name of a row format. */
  readonly format: string
  readonly kind: SetKind
  readonly split?: Split
  readonly shape?: SampleShape
  readonly badRows: readonly BadRow[]
  /** What of the rows that were used is left out, or kept in another form than usual, a sentence each. */
  readonly notes: readonly string[]
}

export interface SampleFile extends SampleSummary {
  readonly path: string
  readonly name: string
  readonly sha256: string
  readonly samples: readonly string[]
  /** Samples that the file holds, of which sampling took some. */
  readonly available: number
}

/**
 * Reads the samples of a file on this thread; sampleThread.ts does so for files that nobody vouches for.
 *
 * @throws {AppError} BAD_INPUT when the file is missing, too large, not of its format, has no columns that are known, or
 *   holds no usable sample
 */
export async function readSampleFile(file: string, options: SampleOptions = {}): Promise<SampleFile> {
  const path = resolve(file)
  const found: string[] = []
  const rest = await readSamples(path, options, (sample) => void found.push(sample))
  const samples = options.sampling === undefined ? found : chooseSamples(found, options.sampling)
  const sha256 = await sha256File(path, options.signal)
  return { path, name: basename(path), sha256, samples, available: found.length, ...rest }
}

/** `readSampleFile` with every sample handed on as soon as it is read, and waited for; sampling is the caller's. */
export async function readSamples(file: string, options: SampleOptions, take: Take): Promise<SampleSummary> {
  const path = resolve(file)
  const bytes = await userFileBytes(path)
  const format = rowFormatOf(path)
  const read = format === undefined ? await readText(path, options, take) : await readRows(path, format, options, take)
  return { bytes, ...read }
}

type Read = Omit<SampleSummary, 'bytes'>
type Take = (sample: string) => void | Promise<void>

async function readText(path: string, options: SampleOptions, take: Take): Promise<Read> {
  const { split = 'document', shape } = options
  if (shape !== undefined)
    throw badInput(`${path} is plain text without columns; it is cut by document, paragraph or line`)
  let samples = 0
  for await (const sample of splitText(textChunks(path, options), split, path)) {
    samples++
    await take(sample)
  }
  if (samples === 0) throw badInput(`${path} holds no text; a file with words in it is needed`)
  const parts = `it is kept in ${samples} parts, which packed rows put together again`
  const notes = split === 'document' && samples > 1 ? [parts] : []
  return { format: 'plain text', kind: 'text', split, badRows: [], notes }
}

async function readRows(path: string, format: RowFormat, options: SampleOptions, take: Take): Promise<Read> {
  const { split } = options
  if (split !== undefined && split !== 'line') {
    throw badInput(`${path} is cut by its rows; splitting by ${split} is for plain text`)
  }
  const reader = new RowReader(options.shape)
  let samples = 0
  const badRows: BadRow[] = []
  const needed = (columns: readonly string[]) => reader.needed(columns)
  for await (const row of format.rows(path, { ...options, needed })) {
    const sample = reader.sample(row)
    if ('reason' in sample) {
      badRows.push({ row: row.number, reason: sample.reason })
      continue
    }
    samples++
    await take(sample.text)
  }
  const { shape, notes } = reader
  if (samples === 0 || shape === undefined) throw badInput(noSamples(path, badRows, shape))
  return { format: format.name, kind: kindOf(shape), split: 'line', shape, badRows, notes }
}

function noSamples(path: string, [first]: readonly BadRow[], shape: SampleShape | undefined): string {
  if (first === undefined) return `${path} holds no row; a file with samples in it is needed`
  const found = `${path} holds no usable row: row ${first.row}: ${first.reason}`
  if (shape === undefined) return `${found}; say which column holds what`
  const wanted = neededColumnsOf(shape).map((name) => `"${name}"`)
  // That a column is needed is no news where it is there and holds something else.
  if (!wanted.some((name) => first.reason.startsWith(`no ${name}`))) return found
  return `${found}; ${wanted.join(' and ')} ${wanted.length === 1 ? 'is' : 'are'} needed`
}
