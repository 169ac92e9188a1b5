import { JsonNumber, type JsonObject, type JsonValue } from '../../engine/formats/strictJson'

/** A record of a table or a line of JSON, numbered from 1 as people count in the file; or why it is none. */
export type Row =
  | {
      readonly number: number
      readonly value: JsonObject
      /** Columns whose value could not be read, which is null, each with the reason. */
      readonly faults?: ReadonlyMap<string, string>
    }
  | { readonly number: number; readonly reason: string }

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined
  /** Receives the share of the file that was read, 0 to 1. */
  readonly onShare?: ((share: number) => void) | undefined
  /** Which of a file's columns are needed; the others may be null in its rows. Default: all. */
  readonly needed?: ((columns: readonly string[]) => readonly string[]) | undefined
}

/** One kind of file with rows. */
export interface RowFormat {
  readonly name: string
  /** Endings of file names, with the dot, in lower case. */
  readonly endings: readonly string[]
  /**
   * The rows in order.
   * @throws {AppError} BAD_INPUT when the file as a whole is not of this format
   */
  rows(path: string, options: ReadOptions): AsyncIterable<Row>
}

/** A value as a row: only objects have columns. A number that is not finite spoils its column. */
export function asRow(number: number, value: JsonValue): Row {
  if (!(value instanceof Map)) return { number, reason: 'not a JSON object' }
  const faults = new Map<string, string>()
  for (const [name, column] of value) {
    const word = wordIn(column)
    if (word !== undefined) faults.set(name, `holds ${word}, which JSON does not have`)
  }
  return faults.size === 0 ? { number, value } : { number, value, faults }
}

/** The first word of Python for a number that is not finite. */
function wordIn(value: JsonValue): string | undefined {
  if (value instanceof JsonNumber) return value.isWord ? value.text : undefined
  const inner = value instanceof Map ? value.values() : Array.isArray(value) ? value : []
  for (const one of inner) {
    const word = wordIn(one)
    if (word !== undefined) return word
  }
  return undefined
}
