import { CsvError, parse } from 'csv-parse'
import type { JsonValue } from '../../engine/formats/strictJson'
import { badInput } from '../../shared/errors'
import { plural } from '../../shared/plural'
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
    const delimiter = delimiterOf(await beginning(path), usual)
    const parser = parse({
      delimiter,
      raw: true,
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
      for await (const { record, raw } of parser as AsyncIterable<{ record: string[]; raw: string }>) {
        if (heading === undefined) heading = headingOf(record, path)
        else yield rowOf(++number, record, heading, strayQuote(raw, record, delimiter))
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
  const outside = text.replaceAll(/"[^"]*"/g, '') // a doubled quote is two fields here, which is as good
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
  const seen = new Set<string>()
  const twice = names.find((name) => seen.size === seen.add(name).size)
  if (twice !== undefined) throw badInput(`${path}: the heading names the column "${twice}" twice`)
  return names
}

/**
 * Whether text stands behind the closing quote of a field, which programs read in different ways; quotes in the midst of
 * a field that does not begin with one are its text.
 */
function strayQuote(raw: string, record: readonly string[], delimiter: string): boolean {
  if (!record.some((field) => field.startsWith('"'))) return false
  let begins = true // of a field
  for (let at = 0; at < raw.length; at++) {
    const character = raw[at] as string
    if (begins && character === '"') {
      at = closingQuote(raw, at)
      const next = raw[at + 1]
      if (next !== undefined && ![delimiter, '\r', '\n'].includes(next)) return true
    }
    begins = character === delimiter
  }
  return false
}

function closingQuote(raw: string, open: number): number {
  for (let at = raw.indexOf('"', open + 1); at >= 0; at = raw.indexOf('"', at + 2)) if (raw[at + 1] !== '"') return at
  return raw.length
}

function rowOf(number: number, record: readonly string[], heading: readonly string[], isStray: boolean): Row {
  if (isStray) return { number, reason: 'text stands behind the closing quote of a field' }
  if (record.length !== heading.length) {
    return { number, reason: `${plural(record.length, 'field')}, the heading has ${heading.length}` }
  }
  return { number, value: new Map(heading.map((name, i): [string, JsonValue] => [name, record[i] as string])) }
}

export const csv = delimited('comma-separated table', ['.csv'], ',')
export const tsv = delimited('tab-separated table', ['.tsv', '.tab'], '\t')
