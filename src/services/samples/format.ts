import type { JsonObject, JsonValue } from '../../engine/formats/strictJson'

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

/** A value as a row: only objects have columns. */
export const asRow = (number: number, value: JsonValue): Row =>
  value instanceof Map ? { number, value } : { number, reason: 'not a JSON object' }
