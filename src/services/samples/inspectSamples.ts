import { basename, resolve } from 'node:path'
import type { BadRow, SampleInspection, SampleShape } from '../../shared/samples'
import { isPacked } from './packedFile'
import { splitText } from './plainText'
import type { SampleOptions } from './readSamples'
import { rowFormatOf } from './registry'
import { RowReader } from './rowReader'
import { kindOf } from './shapes'
import { textChunks, userFileBytes } from './userFile'

const ROWS_LOOKED_AT = 200
const SHOWN = 8
const SHOWN_CHARACTERS = 4000

/** Looks at the first rows of a file: what they hold, and what would become of them. Throws as `readSampleFile` does. */
export async function inspectSampleFile(file: string, options: SampleOptions = {}): Promise<SampleInspection> {
  const path = resolve(file)
  const bytes = await userFileBytes(path)
  const head = { path, name: basename(path), bytes, packed: await isPacked(path) }
  const format = rowFormatOf(path)
  if (format === undefined) {
    const samples: string[] = []
    let rowsRead = 0
    for await (const text of splitText(textChunks(path, options), options.split ?? 'document', path)) {
      if (rowsRead === ROWS_LOOKED_AT) break
      if (rowsRead++ < SHOWN) samples.push(cut(text))
    }
    return {
      ...head,
      format: 'plain text',
      plainText: true,
      columns: [],
      shape: null,
      kind: 'text',
      samples: samples.map((text, i) => ({ row: i + 1, text })),
      badRows: [],
      notes: [],
      rowsRead
    }
  }
  const reader = new RowReader(options.shape)
  const samples: { row: number; text: string }[] = []
  const badRows: BadRow[] = []
  let rowsRead = 0
  const needed = (columns: readonly string[]) => reader.needed(columns)
  for await (const row of format.rows(path, { signal: options.signal, needed })) {
    if (rowsRead === ROWS_LOOKED_AT) break
    rowsRead++
    const sample = reader.sample(row)
    if ('reason' in sample) {
      if (reader.shape !== undefined || 'reason' in row) badRows.push({ row: row.number, reason: sample.reason })
    } else if (samples.length < SHOWN) samples.push({ row: row.number, text: shown(sample.text, reader.shape) })
  }
  const { shape, columns, notes } = reader
  const found = { columns, shape: shape ?? null, kind: shape === undefined ? null : kindOf(shape) }
  return { ...head, format: format.name, plainText: false, ...found, samples, badRows, notes, rowsRead }
}

const cut = (text: string): string => (text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text)

/** A conversation that is cut off is no JSON any more: it is shown whole, unless it is far too long. */
const shown = (text: string, shape: SampleShape | undefined): string =>
  shape !== undefined && kindOf(shape) === 'messages' && text.length <= 8 * SHOWN_CHARACTERS ? text : cut(text)
