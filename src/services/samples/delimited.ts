import { CsvError, parse } from 'csv-parse'
import { badInput } from '../../shared/errors'
import type { Row, RowFormat } from './format'
import { textChunks } from './userFile'

const MAX_RECORD = 2 ** 26

/** A table with a heading line; fields in quotes may hold delimiters and line breaks. */
const delimited = (name: string, endings: readonly string[], delimiter: string): RowFormat => ({
  name,
  endings,
  async *rows(path, options) {
    const parser = parse({
      delimiter,
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

async function feed(
  path: string,
  parser: ReturnType<typeof parse>,
  options: Parameters<RowFormat['rows']>[1]
): Promise<void> {
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
  return { number, value: Object.fromEntries(heading.map((name, i) => [name, record[i]])) }
}

export const csv = delimited('comma-separated table', ['.csv'], ',')
export const tsv = delimited('tab-separated table', ['.tsv', '.tab'], '\t')
