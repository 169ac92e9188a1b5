import { extname } from 'node:path'
import { csv, tsv } from './delimited'
import type { RowFormat } from './format'
import { json } from './json'
import { unpackedName } from './packedFile'
import { parquet } from './parquet'

/** Every kind of file with rows; anything else is plain text. */
export const ROW_FORMATS: readonly RowFormat[] = [json, csv, tsv, parquet]

/** The format of a file by its ending, without that of a packed one; undefined for plain text. */
export const rowFormatOf = (file: string): RowFormat | undefined =>
  ROW_FORMATS.find(({ endings }) => endings.includes(extname(unpackedName(file)).toLowerCase()))
