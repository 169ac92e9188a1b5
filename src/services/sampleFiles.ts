import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { badInput } from '../shared/errors'

/*
 * Texts of a user's file cut into samples. What cannot be used is reported with its row, never dropped in silence.
 */

export const SPLITS = ['document', 'paragraph', 'line'] as const
export type Split = (typeof SPLITS)[number]

export interface BadRow {
  /** Counted from 1: the line of a .jsonl file. */
  readonly row: number
  readonly reason: string
}

export interface SampleFile {
  readonly path: string
  readonly name: string
  readonly sha256: string
  readonly bytes: number
  readonly split: Split
  readonly samples: readonly string[]
  readonly badRows: readonly BadRow[]
}

/** Longest text file that is imported: JavaScript holds a text as UTF-16 and V8 limits its length. */
const MAX_BYTES = 256 * 2 ** 20

/**
 * Reads a .txt file (cut as `split` says; default: the whole file is one sample) or a .jsonl file (one sample a line,
 * the string `text` of its object).
 *
 * @throws {AppError} BAD_INPUT when the file is missing, too large, not UTF-8, or holds no usable sample
 */
export async function readSampleFile(file: string, split?: Split): Promise<SampleFile> {
  const path = resolve(file)
  const bytes = await readUserFile(file)
  if (bytes.length > MAX_BYTES) throw badInput(`${file} has ${bytes.length} bytes; up to ${MAX_BYTES} are accepted`)
  const text = decode(bytes, file)
  const jsonl = ['.jsonl', '.ndjson'].includes(extname(file).toLowerCase())
  if (jsonl && split !== undefined && split !== 'line') {
    throw badInput(`${file} is cut by its lines; --split ${split} is for plain text`)
  }
  const used = split ?? (jsonl ? 'line' : 'document')
  const { samples, badRows } = jsonl ? jsonSamples(text) : { samples: splitText(text, used), badRows: [] }
  if (samples.length === 0) throw badInput(noSamples(file, jsonl, badRows))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { path, name: basename(path), sha256, bytes: bytes.length, split: used, samples, badRows }
}

/** Cuts plain text into samples without blank ones; line ends become \n. */
export function splitText(text: string, split: Split): string[] {
  const plain = text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
  const parts = split === 'document' ? [plain] : plain.split(split === 'line' ? '\n' : /\n[^\S\n]*\n/)
  return parts.map((part) => (split === 'document' ? part : part.trim())).filter((part) => part.trim() !== '')
}

/** The texts of JSON lines, and why each other line gives none; empty lines are neither. */
export function jsonSamples(text: string): { samples: string[]; badRows: BadRow[] } {
  const samples: string[] = []
  const badRows: BadRow[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const found = sampleOf(line)
    if ('text' in found) samples.push(found.text)
    else badRows.push({ row: index + 1, reason: found.reason })
  }
  return { samples, badRows }
}

function sampleOf(line: string): { text: string } | { reason: string } {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return { reason: 'not JSON' }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { reason: 'not a JSON object' }
  if (!('text' in value))
    return { reason: `no "text"; its keys are ${Object.keys(value).slice(0, 6).join(', ') || 'none'}` }
  if (typeof value.text !== 'string') return { reason: '"text" is not a string' }
  return value.text.trim() === '' ? { reason: '"text" is empty' } : { text: value.text }
}

const noSamples = (file: string, jsonl: boolean, [first]: readonly BadRow[]): string =>
  !jsonl || first === undefined
    ? `${file} holds no text; a file with words in it is needed`
    : `${file} holds no usable row: row ${first.row}: ${first.reason}; objects {"text": "…"} are needed`

async function readUserFile(file: string): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw badInput(`${file} does not exist; a .txt or .jsonl file is needed`)
    if (error.code === 'EISDIR') throw badInput(`${file} is a directory; a .txt or .jsonl file is needed`)
    throw error
  })
}

function decode(bytes: Uint8Array, file: string): string {
  const nul = bytes.indexOf(0)
  if (nul >= 0) throw badInput(`${file} is not a text file: byte ${nul} is zero; text in UTF-8 is needed`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw badInput(`${file} is not valid UTF-8; save it as UTF-8`)
  }
}
