import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { badInput } from '../../shared/errors'
import type { ResolvedText } from '../../shared/runFolder'
import { isMissing } from '../formats/files'
import { refuseLfsPointerAt } from '../formats/lfsPointer'
import { missingFile } from '../formats/missingFile'
import { parseWithWords } from '../formats/strictJson'
import { TextFileDecoder } from '../formats/textEncoding'
import { trimmedParts, unixLines } from '../formats/textParts'
import { LongSample, noText } from './longSample'

/** Bytes of a file that are read at a time. */
const CHUNK_BYTES = 2 ** 18

/** Longest paragraph: JavaScript holds no longer text with ease. */
const MAX_CHARACTERS = 2 ** 28

/** Characters of a line of samples that are read at a time. */
const LINE_CHARACTERS = 2 ** 18

/** A part of a text, and how far its file was read for it. */
export interface ReadText {
  readonly text: string
  /** Bytes. */
  readonly at: number
  /** It goes on where the part before it ends, in the same sample. */
  readonly continues?: boolean | undefined
}

/**
 * The pieces of a text, in order: chunks of the file for `text`, to be put behind one another; the `text` of each line for
 * `samples` and `messages`, in several pieces where it is long. The file, and each of its lines, may be of any size.
 *
 * A file is UTF-8, or UTF-16 where a byte order mark says so. The mark is dropped, and line ends of a `text` become \n, as
 * Python's text mode does.
 *
 * @param folder the run folder, to which a relative path belongs
 * @throws {AppError} BAD_INPUT if the file is missing, empty, binary or in another encoding, or a line is no sample
 */
export function readTexts(text: ResolvedText, folder: string): AsyncGenerator<ReadText> {
  const path = isAbsolute(text.path) ? text.path : join(folder, text.path)
  return text.kind === 'text' ? readDocument(path) : readSamples(path)
}

async function* readDocument(path: string): AsyncGenerator<ReadText> {
  let blank = true
  const { pieces, at } = apartFrom(decoded(path))
  for await (const text of unixLines(pieces)) {
    blank &&= text.trim() === ''
    yield { text, at: at() }
  }
  if (blank) throw badInput(`${path} holds no text; a text file with words in it is needed`)
}

/** The texts of some pieces, and how far the file was read for the last of them. */
function apartFrom(read: AsyncIterable<ReadText>): { pieces: AsyncIterable<string>; at: () => number } {
  let last = 0
  async function* pieces(): AsyncGenerator<string> {
    for await (const { text, at } of read) {
      last = at
      yield text
    }
  }
  return { pieces: pieces(), at: () => last }
}

/** The paragraphs of a document, the samples of the padded policy: parts between blank lines, trimmed, never empty. */
export async function* splitSamples(document: AsyncIterable<ReadText>, path: string): AsyncGenerator<ReadText> {
  const { pieces, at } = apartFrom(document)
  const tooLong = () =>
    badInput(`${path}: a paragraph is longer than ${MAX_CHARACTERS} characters; cut it by blank lines`)
  const parting = { separator: /\n[^\S\n]*\n/g, longest: MAX_CHARACTERS, tooLong }
  for await (const text of trimmedParts(pieces, parting)) yield { text, at: at() }
}

async function* decoded(path: string): AsyncGenerator<ReadText> {
  const found = await stat(path).catch(async (error: unknown) => {
    throw isMissing(error) ? await missingFile(path, { needed: '; a text file in UTF-8 is needed' }) : error
  })
  if (!found.isFile()) throw badInput(`${path} is not a file; a text file in UTF-8 is needed`)
  await refuseLfsPointerAt(path)
  const decoder = new TextFileDecoder(path)
  let at = 0
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    const bytes = chunk as Uint8Array
    at += bytes.length
    yield { text: decoder.piece(bytes), at }
  }
  yield { text: decoder.end(), at }
}

/** Samples whose pieces were put together. */
export async function* wholeSamples(pieces: AsyncIterable<ReadText>): AsyncGenerator<ReadText> {
  let whole: ReadText | undefined
  for await (const piece of pieces) {
    if (whole !== undefined && !piece.continues) yield whole
    whole = whole !== undefined && piece.continues ? { text: whole.text + piece.text, at: piece.at } : piece
  }
  if (whole !== undefined) yield whole
}

async function* readSamples(path: string): AsyncGenerator<ReadText> {
  let isFound = false
  let long: LongSample | undefined
  for await (const { text: line, number, at, continues, ends } of linePieces(path)) {
    const where = `${path}, line ${number}`
    if (ends && long === undefined) {
      if (line.trim() === '') continue
      isFound = true
      yield { text: parseSample(line.trim(), where), at }
      continue
    }
    long ??= new LongSample(where)
    yield { text: long.push(line), at, continues }
    if (!ends) continue
    long.end()
    long = undefined
    isFound = true
  }
  if (!isFound) throw badInput(`${path} holds no samples; one JSON object {"text": "…"} per line is needed`)
}

interface LinePiece extends ReadText {
  readonly number: number
  /** It is the last piece of its line. */
  readonly ends: boolean
}

/** The lines of a file, in pieces where they are long. */
async function* linePieces(path: string): AsyncGenerator<LinePiece> {
  let rest = ''
  let number = 1
  let continues = false
  let read = 0
  for await (const { text, at } of decoded(path)) {
    read = at
    const [head = '', ...others] = text.split('\n')
    rest += head
    for (const next of others) {
      yield { text: rest, number, at, continues, ends: true }
      rest = next
      number++
      continues = false
    }
    if (rest.length < LINE_CHARACTERS) continue
    yield { text: rest, number, at, continues, ends: false }
    rest = ''
    continues = true
  }
  yield { text: rest, number, at: read, continues, ends: true }
}

function parseSample(line: string, where: string): string {
  const value = parseJson(line, where)
  const sample = typeof value === 'object' && value !== null && 'text' in value ? value.text : undefined
  if (typeof sample !== 'string') throw noText(where)
  if (sample.trim() === '') throw badInput(`${where}: "text" is empty`)
  return sample
}

function parseJson(line: string, where: string): unknown {
  try {
    return parseWithWords(line)
  } catch {
    throw badInput(`${where}: not JSON; one object {"text": "…"} per line is needed`)
  }
}
