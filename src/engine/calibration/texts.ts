import { open } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { badInput } from '../../shared/errors'
import type { ResolvedText } from '../../shared/runFolder'
import { refuseLfsPointer } from '../formats/lfsPointer'
import { decodeTextFile } from '../formats/textEncoding'

/** Largest text read: the tokenizer needs about 200 bytes of memory for one token, and two microseconds. */
const MAX_TEXT_BYTES = 32 * 2 ** 20

/**
 * The documents of a text, in order: the whole file for `text`, the `text` of each line for `samples` and `messages`.
 *
 * A file is UTF-8, or UTF-16 where a byte order mark says so. The mark is dropped, and line ends of a `text` become \n, as Python's text mode does.
 *
 * @param folder the run folder, to which a relative path belongs
 * @throws {AppError} BAD_INPUT if the file is missing, empty, too large, binary or in another encoding, or a line is no sample
 */
export async function readTexts(text: ResolvedText, folder: string): Promise<string[]> {
  const path = isAbsolute(text.path) ? text.path : join(folder, text.path)
  const content = decodeTextFile(await readBytes(path), path)
  if (text.kind !== 'text') return parseSamples(content, path)
  if (content.trim() === '') throw badInput(`${path} holds no text; a text file with words in it is needed`)
  return [content.replaceAll('\r\n', '\n').replaceAll('\r', '\n')]
}

/** The paragraphs of a document, the samples of the padded policy: parts between blank lines, trimmed, never empty. */
export const splitSamples = (document: string): string[] =>
  document
    .split(/\n[^\S\n]*\n/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '')

async function readBytes(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? badInput(`${path} does not exist; a text file in UTF-8 is needed`) : error
  })
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw badInput(`${path} is not a file; a text file in UTF-8 is needed`)
    if (stat.size > MAX_TEXT_BYTES)
      throw badInput(
        `${path} has ${stat.size} bytes; a text may have up to ${MAX_TEXT_BYTES}, cut it into several files`
      )
    const content = await file.readFile()
    refuseLfsPointer(content, path)
    return content
  } finally {
    await file.close()
  }
}

function parseSamples(content: string, path: string): string[] {
  const samples = content
    .split('\n')
    .map((line, index) => ({ line: line.trim(), where: `${path}, line ${index + 1}` }))
    .filter(({ line }) => line !== '')
    .map(({ line, where }) => parseSample(line, where))
  if (samples.length === 0) throw badInput(`${path} holds no samples; one JSON object {"text": "…"} per line is needed`)
  return samples
}

function parseSample(line: string, where: string): string {
  const value = parseJson(line, where)
  const sample = typeof value === 'object' && value !== null && 'text' in value ? value.text : undefined
  if (typeof sample !== 'string') throw badInput(`${where}: an object with a string "text" is needed`)
  if (sample.trim() === '') throw badInput(`${where}: "text" is empty`)
  return sample
}

function parseJson(line: string, where: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw badInput(`${where}: not JSON; one object {"text": "…"} per line is needed`)
  }
}
