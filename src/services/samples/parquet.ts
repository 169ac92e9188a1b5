import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type RowGroup,
  type SchemaTree
} from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import type { JsonValue } from '../../engine/formats/strictJson'
import { badInput } from '../../shared/errors'
import type { ReadOptions, Row, RowFormat } from './format'
import { assertRowCounts, checkPages, hasRepeated } from './parquetPages'
import { isDecimal, Moment, ParquetFault, parquetValue, textOfBytes } from './parquetValues'
import { openUserFile } from './userFile'

/** Bytes, decompressed, that are decoded at once: a whole row group, or as many rows of a larger one. */
const BATCH_BYTES = 64 * 2 ** 20

/** Bytes of a row group with lists, of which the library decodes all rows to give some. */
const MAX_NESTED_BYTES = 256 * 2 ** 20

/** JSON columns are read as their text, which keeps numbers as written, times with all digits, texts only where they are UTF-8. */
const parsers = {
  jsonFromBytes: (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes),
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && textOfBytes(bytes),
  timestampFromMilliseconds: (millis: bigint) => new Moment(millis * 1_000_000n),
  timestampFromMicroseconds: (micros: bigint) => new Moment(micros * 1000n),
  timestampFromNanoseconds: (nanos: bigint) => new Moment(nanos)
}

/** Of nothing LZ4 makes one byte, which the library takes for a part of something: columns of nulls have such pages. */
const decompressors = Object.fromEntries(
  Object.entries(compressors).map(([codec, decompress]) => [
    codec,
    (bytes: Uint8Array, length: number) => (length === 0 ? new Uint8Array() : decompress(bytes, length))
  ])
)

interface Opened {
  /** Columns that are decoded: those beside them may be large, as images are, or of a kind that the library does not read. */
  readonly needed: ReadonlySet<string>
  readonly file: AsyncBuffer
  readonly metadata: FileMetaData
  readonly path: string
}

/** A Parquet file, a row group at a time, or a part of a large one. */
export const parquet: RowFormat = {
  name: 'Parquet',
  endings: ['.parquet'],
  async *rows(path, { signal, onShare, needed }) {
    const { handle, size } = await openUserFile(path)
    const file: AsyncBuffer = {
      byteLength: size,
      async slice(start, end = size) {
        if (!(start >= 0 && start <= end && end <= size))
          throw badInput(`${path} has ${size} bytes, but bytes ${start} to ${end} are looked for in it; it is damaged`)
        const bytes = new Uint8Array(end - start)
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, start)
        if (bytesRead !== bytes.length)
          throw badInput(`${path} ends early: ${bytesRead} of ${bytes.length} bytes at ${start}`)
        return bytes.buffer
      }
    }
    try {
      // Looking for columns of GeoParquet, the library goes on for ever where a group of columns has a negative number of them.
      const declared = await parquetMetadataAsync(file, { geoparquet: false })
      assertRowCounts(declared, path)
      const schema = parquetSchema(declared)
      const opened = { file, metadata: withoutDecimals(declared), path, needed: neededOf(schema, needed, path) }
      const total = Number(declared.num_rows)
      let done = 0
      for (const [index, group] of declared.row_groups.entries()) {
        const groupEnd = done + Number(group.num_rows)
        const step = await stepOf(opened, schema, index)
        for (; done < groupEnd; done += step) {
          signal?.throwIfAborted()
          const rows = await readRows(opened, done, Math.min(groupEnd, done + step))
          for (const [i, row] of rows.entries()) yield rowOf(done + i + 1, row, schema.children, opened.needed)
          onShare?.(Math.min(groupEnd, done + step) / total)
        }
        done = groupEnd
      }
    } catch (error) {
      if (signal?.aborted || !isFormatError(error)) throw error
      throw badInput(`${path} is not a Parquet file that can be read: ${error.message}`)
    } finally {
      await handle.close()
    }
  }
}

/** Rows of a row group that are decoded at once. @throws {AppError} BAD_INPUT when the group contradicts itself, or is too large */
async function stepOf({ file, metadata, path, needed }: Opened, schema: SchemaTree, index: number): Promise<number> {
  const group = metadata.row_groups[index] as RowGroup
  const where = `${path}: row group ${index + 1}`
  const bytes = await checkPages(file, group, schema, needed, where)
  const rows = Number(group.num_rows)
  const columns = schema.children.filter(({ element }) => needed.has(element.name))
  if (!columns.some(hasRepeated)) return Math.max(1, Math.floor(rows * Math.min(1, BATCH_BYTES / bytes)))
  if (bytes <= MAX_NESTED_BYTES) return rows
  throw badInput(
    `${where} has ${bytes} bytes, with lists among its columns; up to ${MAX_NESTED_BYTES} are read: write the file with ` +
      'smaller row groups'
  )
}

/** @throws {AppError} BAD_INPUT when two of them have one name, of which a row would keep one */
function neededOf({ children }: SchemaTree, needed: ReadOptions['needed'], path: string): ReadonlySet<string> {
  const all = children.map(({ element }) => element.name)
  const some = (needed?.(all) ?? all).filter((name) => all.includes(name))
  const chosen = new Set(some.length > 0 ? some : all)
  const twice = all.find((name, i) => chosen.has(name) && all.indexOf(name) !== i)
  if (twice !== undefined) throw badInput(`${path}: two columns are called "${twice}"`)
  return chosen
}

/** The library makes rounded numbers of decimals: it reads their digits where it does not know what they are. */
const withoutDecimals = (metadata: FileMetaData): FileMetaData => ({
  ...metadata,
  schema: metadata.schema.map((element) =>
    isDecimal(element) ? { ...element, converted_type: undefined, logical_type: undefined } : element
  )
})

/** A column that holds what JSON cannot hold spoils the row only where it is used. */
function rowOf(
  number: number,
  row: Readonly<Record<string, unknown>>,
  columns: readonly SchemaTree[],
  needed: ReadonlySet<string>
): Row {
  const value = new Map<string, JsonValue>()
  const faults = new Map<string, string>()
  for (const column of columns) {
    const { name } = column.element
    value.set(name, null)
    try {
      if (needed.has(name)) value.set(name, parquetValue(row[name], column))
    } catch (error) {
      if (!(error instanceof ParquetFault)) throw error
      faults.set(name, error.message)
    }
  }
  return { number, value, faults }
}

async function readRows(opened: Opened, rowStart: number, rowEnd: number): Promise<Record<string, unknown>[]> {
  const { file, metadata, needed } = opened
  const options = { file, metadata, columns: [...needed], compressors: decompressors, parsers }
  try {
    return await parquetReadObjects({ ...options, rowStart, rowEnd })
  } catch (error) {
    if (!isFormatError(error)) throw error
    throw await placedError(opened, rowStart, rowEnd, error)
  }
}

/** Reads the row groups and columns one by one, to name the one that cannot be read. */
async function placedError(
  { file, metadata, path, needed }: Opened,
  from: number,
  to: number,
  error: Error
): Promise<Error> {
  let first = 0
  for (const [group, { num_rows }] of metadata.row_groups.entries()) {
    const [rowStart, rowEnd] = [Math.max(from, first), Math.min(to, first + Number(num_rows))]
    first += Number(num_rows)
    if (rowStart >= rowEnd) continue
    for (const column of needed) {
      const options = { file, metadata, columns: [column], rowStart, rowEnd, compressors: decompressors, parsers }
      const failure = await parquetReadObjects(options).then(
        () => undefined,
        (reason: unknown) => reason
      )
      if (failure instanceof Error)
        return badInput(`${path}: row group ${group + 1}, column "${column}" cannot be read: ${failure.message}`)
    }
  }
  return badInput(`${path}: rows ${from + 1} to ${to} cannot be read: ${error.message}`)
}

/** The library throws plain errors for whatever is wrong with a file. */
const isFormatError = (error: unknown): error is Error =>
  error instanceof Error && error.name !== 'AppError' && error.name !== 'AbortError' && !('syscall' in error)
