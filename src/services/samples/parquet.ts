import { type AsyncBuffer, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { badInput } from '../../shared/errors'
import { asRow, type RowFormat } from './format'
import { openUserFile } from './userFile'

/** Rows decoded at once: bounds memory whatever the size of the file's row groups says. */
const BATCH = 1000

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
      const metadata = await parquetMetadataAsync(file)
      const total = Number(metadata.num_rows)
      for (let start = 0; start < total; start += BATCH) {
        signal?.throwIfAborted()
        const rowEnd = Math.min(total, start + BATCH)
        const rows = await parquetReadObjects({ file, metadata, rowStart: start, rowEnd, compressors })
        onShare?.(rowEnd / total)
        for (const [index, row] of rows.entries()) yield asRow(start + index + 1, row)
      }
    } catch (error) {
      throw asFormatError(error, path, signal)
    } finally {
      await handle.close()
    }
  }
}

/** The library throws plain errors for whatever is wrong with a file. */
function asFormatError(error: unknown, path: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted || !(error instanceof Error) || error.name === 'AppError' || 'syscall' in error) return error
  return badInput(`${path} is not a Parquet file that can be read: ${error.message}`)
}
