import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree
} from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import type { JsonValue } from '../../engine/formats/strictJson'
import { badInput } from '../../shared/errors'
import type { Row, RowFormat } from './format'
import { isDecimal, Moment, ParquetFault, parquetValue, textOfBytes } from './parquetValues'
import { openUserFile } from './userFile'

/** Rows decoded at once: bounds memory whatever the size of the file's row groups says. */
const BATCH = 1000

/** JSON columns are read as their text, which keeps numbers as written, times with all digits, texts only where they are UTF-8. */
const parsers = {
  jsonFromBytes: (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes),
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && textOfBytes(bytes),
  timestampFromMilliseconds: (millis: bigint) => new Moment(millis * 1_000_000n),
  timestampFromMicroseconds: (micros: bigint) => new Moment(micros * 1000n),
  timestampFromNanoseconds: (nanos: bigint) => new Moment(nanos)
}

interface Opened {
  readonly file: AsyncBuffer
  readonly metadata: FileMetaData
  readonly path: string
}

/** A Parquet file, a thousand rows at a time. */
export const parquet: RowFormat = {
  name: 'Parquet',
  endings: ['.parquet'],
  async *rows(path, { signal, onShare }) {
    const { handle, size } = await openUserFile(path)
    const file: AsyncBuffer = {
      byteLength: size,
      async slice(start, end = size) {
        const bytes = new Uint8Array(end - start)
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, start)
        if (bytesRead !== bytes.length)
          throw badInput(`${path} ends early: ${bytesRead} of ${bytes.length} bytes at ${start}`)
        return bytes.buffer
      }
    }
    try {
      const declared = await parquetMetadataAsync(file)
      const metadata = withoutDecimals(declared)
      const schema = parquetSchema(declared)
      const total = Number(metadata.num_rows)
      for (let start = 0; start < total; start += BATCH) {
        signal?.throwIfAborted()
        const rowEnd = Math.min(total, start + BATCH)
        const rows = await readRows({ file, metadata, path }, start, rowEnd)
        onShare?.(rowEnd / total)
        for (const [index, row] of rows.entries()) yield rowOf(start + index + 1, row, schema.children)
      }
    } catch (error) {
      if (signal?.aborted || !isFormatError(error)) throw error
      throw badInput(`${path} is not a Parquet file that can be read: ${error.message}`)
    } finally {
      await handle.close()
    }
  }
}

/** The library makes rounded numbers of decimals: it reads their digits where it does not know what they are. */
const withoutDecimals = (metadata: FileMetaData): FileMetaData => ({
  ...metadata,
  schema: metadata.schema.map((element) =>
    isDecimal(element) ? { ...element, converted_type: undefined, logical_type: undefined } : element
  )
})

/** A column that holds what JSON cannot hold spoils the row only where it is used. */
function rowOf(number: number, row: Readonly<Record<string, unknown>>, columns: readonly SchemaTree[]): Row {
  const value = new Map<string, JsonValue>()
  const faults = new Map<string, string>()
  for (const column of columns) {
    const { name } = column.element
    value.set(name, null)
    try {
      value.set(name, parquetValue(row[name], column))
    } catch (error) {
      if (!(error instanceof ParquetFault)) throw error
      faults.set(name, error.message)
    }
  }
  return { number, value, faults }
}

async function readRows(opened: Opened, rowStart: number, rowEnd: number): Promise<Record<string, unknown>[]> {
  const { file, metadata } = opened
  try {
    return await parquetReadObjects({ file, metadata, rowStart, rowEnd, compressors, parsers })
  } catch (error) {
    if (!isFormatError(error)) throw error
    throw await placedError(opened, rowStart, rowEnd, error)
  }
}

/** Reads the row groups and columns one by one, to name the one that cannot be read. */
async function placedError({ file, metadata, path }: Opened, from: number, to: number, error: Error): Promise<Error> {
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name)
  let first = 0
  for (const [group, { num_rows }] of metadata.row_groups.entries()) {
    const [rowStart, rowEnd] = [Math.max(from, first), Math.min(to, first + Number(num_rows))]
    first += Number(num_rows)
    if (rowStart >= rowEnd) continue
    for (const column of columns) {
      const options = { file, metadata, columns: [column], rowStart, rowEnd, compressors, parsers }
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
