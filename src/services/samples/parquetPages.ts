import type { AsyncBuffer, ColumnMetaData, FileMetaData, RowGroup, SchemaTree } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { badInput } from '../../shared/errors'

/*
 * What a Parquet file claims, held against itself before anything is decoded: the library believes every count and every
 * size, and some hundred bytes can claim any number of rows or bytes.
 */

/** Bytes of one page, decompressed. Writers aim at one MiB; a page with a thousand long documents may have a hundred. */
const MAX_PAGE_BYTES = 128 * 2 ** 20

/** Values of one page: writers begin a new one after 20,000 rows, or a MiB. */
const MAX_PAGE_VALUES = 2 ** 24

/** Bytes in which the header of a page is looked for; statistics of long texts stand in it. */
const HEADER_PIECES = [2 ** 12, 2 ** 16, 2 ** 20]

/** @throws {AppError} BAD_INPUT when the footer's number of rows is not that of its row groups */
export function assertRowCounts({ num_rows, row_groups }: FileMetaData, path: string): void {
  const held = row_groups.reduce((sum, group) => sum + BigInt(group.num_rows), 0n)
  if (BigInt(num_rows) !== held || row_groups.some((group) => group.num_rows < 0n))
    throw badInput(`${path}: its footer promises ${num_rows} rows, but its row groups hold ${held}; it is damaged`)
}

/**
 * Goes over the pages of a row group without decoding them.
 *
 * @param needed - the columns that are decoded
 * @param where - names the row group in an error
 * @returns bytes of the pages that are decoded, decompressed
 * @throws {AppError} BAD_INPUT when a page lies outside of its column, is larger than any writer makes it though it is to be
 *   decoded, or a column without lists holds another number of values than the group has rows
 */
export async function checkPages(
  file: AsyncBuffer,
  { columns, num_rows }: RowGroup,
  schema: SchemaTree,
  needed: ReadonlySet<string>,
  where: string
): Promise<number> {
  let bytes = 0
  for (const { meta_data: column } of columns) {
    if (column === undefined) continue // the library says so by itself
    const name = `${where}, column "${column.path_in_schema.join('.')}"`
    const isNeeded = needed.has(column.path_in_schema[0] ?? '')
    const found = await pagesOf(file, column, isNeeded, name)
    if (isNeeded) bytes += found.bytes
    if (!isRepeated(schema, column.path_in_schema) && BigInt(found.values) !== BigInt(num_rows))
      throw badInput(`${name}: ${num_rows} rows are promised, but its pages hold ${found.values}; the file is damaged`)
  }
  return bytes
}

/** Whether a row may hold several values of a column. */
function isRepeated(schema: SchemaTree, path: readonly string[]): boolean {
  let node: SchemaTree | undefined = schema
  for (const name of path) {
    node = node?.children.find(({ element }) => element.name === name)
    if (node?.element.repetition_type === 'REPEATED') return true
  }
  return false
}

/** Whether the library decodes all rows of a column in a row group to give some. */
export const hasRepeated = (column: SchemaTree): boolean =>
  column.element.repetition_type === 'REPEATED' || column.children.some(hasRepeated)

async function pagesOf(file: AsyncBuffer, column: ColumnMetaData, isNeeded: boolean, where: string) {
  const begin = Number(column.dictionary_page_offset || column.data_page_offset)
  const end = begin + Number(column.total_compressed_size)
  if (!(begin >= 0 && end >= begin && end <= file.byteLength))
    throw badInput(`${where} lies outside of the file, which has ${file.byteLength} bytes; it is damaged`)
  const sum = { bytes: 0, values: 0 }
  for (let at = begin; at < end - 1; ) {
    const { header, length } = await headerAt(file, at, end, where)
    const { uncompressed_page_size: size, compressed_page_size: stored } = header
    const page = header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header
    const values = page?.num_values ?? 0
    if (!(stored >= 0 && at + length + stored <= end && size >= 0 && values >= 0))
      throw badInput(`${where}: a page does not lie inside of its column; the file is damaged`)
    if (isNeeded && (size > MAX_PAGE_BYTES || values > MAX_PAGE_VALUES))
      throw badInput(
        `${where}: a page has ${size} bytes and ${values} values; up to ${MAX_PAGE_BYTES} and ${MAX_PAGE_VALUES} are ` +
          'read: write the file with smaller pages'
      )
    sum.bytes += size
    if (header.type !== 'DICTIONARY_PAGE') sum.values += values
    at += length + stored
  }
  return sum
}

async function headerAt(file: AsyncBuffer, at: number, end: number, where: string) {
  for (const piece of HEADER_PIECES) {
    const stop = Math.min(end, at + piece)
    const reader = { view: new DataView(await file.slice(at, stop)), offset: 0 }
    try {
      return { header: parquetHeader(reader), length: reader.offset }
    } catch (error) {
      if (stop < end && piece !== HEADER_PIECES.at(-1)) continue
      throw badInput(`${where} cannot be read: ${(error as Error).message}`)
    }
  }
  throw badInput(`${where} cannot be read`)
}
