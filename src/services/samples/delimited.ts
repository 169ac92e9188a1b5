import { CsvError, parse } from 'csv-parse'
import type { JsonValue } from '../../engine/formats/strictJson'
import { badInput } from '../../shared/errors'
import type { ReadOptions, Row, RowFormat } from './format'
import { textChunks } from './userFile'

const MAX_RECORD = 2 ** 26
const DELIMITERS = [',', '\t', ';', '|']
/** Characters in which the heading line is looked for. */
const HEAD = 2 ** 16

/** A table with a heading line; fields in quotes may hold delimiters and line breaks. */
const delimited = (name: string, endings: readonly string[], usual: string): RowFormat => ({
  name,
  endings,
  async *rows(path, options) {
    const parser = parse({
      delimiter: delimiterOf(await beginning(path), usual),
      bom: true,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      max_record_size: MAX_RECORD
    })
    const feeding = feed(path, parser, options).catch((error: unknown) => parser.destroy(error as Error))
    let heading: readonly string[] | undefined
    let number = 0
    try {
      for await (const record of parser as AsyncIterable<string[]>) {
        if (heading === undefined) heading = headingOf(record, path)
        else yield rowOf(++number, record, heading)
      }
    } catch (error) {
      if (error instanceof CsvError) throw badInput(`${path}: record ${number + 1}: ${error.message}`)
      throw error
    } finally {
      parser.destroy()
      await feeding
    }
    if (heading === undefined) throw badInput(`${path} holds no heading line; names of columns are needed`)
  }
})

async function beginning(path: string): Promise<string> {
  let text = ''
  for await (const chunk of textChunks(path, {})) {
    text += chunk
    if (text.length >= HEAD) break
  }
  return text
}

/**
 * The delimiter of the heading line: the usual one of the file's ending where it stands there, else the one that stands
 * there most often; spreadsheets write semicolons where a comma is the decimal sign.
 */
function delimiterOf(text: string, usual: string): string {
  const outside = text.replaceAll(/"(?:[^"]|"")*"/g, '')
  const heading = outside.split(/[\r\n]/).find((line) => line.trim() !== '') ?? ''
  const count = (delimiter: string): number => heading.split(delimiter).length - 1
  if (count(usual) > 0) return usual
  const [best = usual] = [...DELIMITERS].sort((a, b) => count(b) - count(a))
  return count(best) > 0 ? best : usual
}

async function feed(path: string, parser: ReturnType<typeof parse>, options: ReadOptions): Promise<void> {
  for await (const chunk of textChunks(path, options)) {
    if (parser.destroyed) return
    if (!parser.write(chunk))
      await new Promise((ready) => {
        parser.once('drain', ready)
        parser.once('close', ready)
      })
  }
  parser.end()
}

function headingOf(record: readonly string[], path: string): readonly string[] {
  const names = record.map((name) => name.trim())
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw badInput(`${path}: the heading names the column "${twice}" twice`)
  return names
}

function rowOf(number: number, record: readonly string[], heading: readonly string[]): Row {
  if (record.length !== heading.length) {
    return { number, reason: `${record.length} fields, the heading has ${heading.length}` }
  }
  return { number, value: new Map(heading.map((name, i): [string, JsonValue] => [name, record[i] as string])) }
}

export const csv = delimited('comma-separated table', ['.csv'], ',')
export const tsv = delimited('tab-separated table', ['.tsv', '.tab'], '\t')
