import { basename, resolve } from 'node:path'
import type { BadRow, SampleShape, SetKind } from '../../shared/samples'
import { splitText } from './plainText'
import type { SampleOptions } from './readSamples'
import { rowFormatOf } from './registry'
import { guessShape, kindOf, sampleOf } from './shapes'
import { readWholeText, userFileBytes } from './userFile'

/** What the beginning of a file shows, before anything is stored. */
export interface SampleInspection {
  readonly path: string
  readonly name: string
  readonly bytes: number
  readonly format: string
  /** Whether it is cut as plain text rather than by its rows. */
  readonly plainText: boolean
  readonly columns: readonly string[]
  /** As given, else guessed; null when the columns are none that are known. */
  readonly shape: SampleShape | null
  readonly kind: SetKind | null
  /** The first samples, cut off; conversations as JSON. */
  readonly samples: readonly { readonly row: number; readonly text: string }[]
  /** Among the rows that were looked at. */
  readonly badRows: readonly BadRow[]
  readonly rowsRead: number
}

const ROWS_LOOKED_AT = 200
const SHOWN = 8
const SHOWN_CHARACTERS = 4000

/** Looks at the first rows of a file: what they hold, and what would become of them. Throws as `readSampleFile` does. */
export async function inspectSampleFile(file: string, options: SampleOptions = {}): Promise<SampleInspection> {
  const path = resolve(file)
  const bytes = await userFileBytes(path)
  const head = { path, name: basename(path), bytes }
  const format = rowFormatOf(path)
  if (format === undefined) {
    const samples = splitText(await readWholeText(path), options.split ?? 'document')
    return {
      ...head,
      format: 'plain text',
      plainText: true,
      columns: [],
      shape: null,
      kind: 'text',
      samples: samples.slice(0, SHOWN).map((text, i) => ({ row: i + 1, text: cut(text) })),
      badRows: [],
      rowsRead: samples.length
    }
  }
  const columns = new Set<string>()
  const samples: { row: number; text: string }[] = []
  const badRows: BadRow[] = []
  let shape = options.shape
  let rowsRead = 0
  for await (const row of format.rows(path, { signal: options.signal })) {
    if (rowsRead === ROWS_LOOKED_AT) break
    rowsRead++
    if ('value' in row) for (const name of Object.keys(row.value)) columns.add(name)
    shape ??= guessShape([...columns])
    const sample = 'reason' in row ? row : shape && sampleOf(row.value, shape)
    if (sample === undefined) continue
    if ('reason' in sample) badRows.push({ row: row.number, reason: sample.reason })
    else if (samples.length < SHOWN) samples.push({ row: row.number, text: cut(sample.text) })
  }
  const found = { columns: [...columns], shape: shape ?? null, kind: shape === undefined ? null : kindOf(shape) }
  return { ...head, format: format.name, plainText: false, ...found, samples, badRows, rowsRead }
}

const cut = (text: string): string => (text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text)
