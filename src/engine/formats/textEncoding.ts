import { TextDecoder } from 'node:util'
import { badInput } from '../../shared/errors'

/** Bytes at the beginning of a file that tell its encoding. */
const MARKS = [
  { name: 'UTF-32', encoding: undefined, bytes: [0xff, 0xfe, 0, 0] },
  { name: 'UTF-16', encoding: 'utf-16le', bytes: [0xff, 0xfe] },
  { name: 'UTF-16', encoding: 'utf-16be', bytes: [0xfe, 0xff] }
] as const

/**
 * Decodes the pieces of a text file in order: UTF-16 where a byte order mark says so, else UTF-8. The mark is dropped.
 */
export class TextFileDecoder {
  #decoder: TextDecoder | undefined
  #name = 'UTF-8'
  #read = 0

  constructor(private readonly path: string) {}

  /** @throws {AppError} BAD_INPUT for bytes that are no text */
  piece(bytes: Uint8Array): string {
    const decoder = this.#decoderFor(bytes)
    const nul = this.#name === 'UTF-8' ? bytes.indexOf(0) : -1
    if (nul >= 0)
      throw badInput(
        `${this.path} is not a text file: byte ${this.#read + nul} is zero; text in UTF-8, or in UTF-16 with a byte ` +
          'order mark, is needed'
      )
    this.#read += bytes.length
    return this.#decoded(() => decoder.decode(bytes, { stream: true }))
  }

  /** What is left at the end. */
  end(): string {
    return this.#decoded(() => this.#decoder?.decode() ?? '')
  }

  #decoderFor(bytes: Uint8Array): TextDecoder {
    if (this.#decoder !== undefined) return this.#decoder
    const mark = MARKS.find((one) => one.bytes.every((byte, i) => bytes[i] === byte))
    if (mark !== undefined && mark.encoding === undefined)
      throw badInput(`${this.path} is encoded in ${mark.name}; save it as UTF-8`)
    this.#name = mark?.name ?? 'UTF-8'
    this.#decoder = new TextDecoder(mark?.encoding ?? 'utf-8', { fatal: true })
    return this.#decoder
  }

  #decoded(decode: () => string): string {
    try {
      return decode()
    } catch (error) {
      if (error instanceof TypeError) throw badInput(`${this.path} is not valid ${this.#name}; save it as UTF-8`)
      throw error
    }
  }
}

/** The text of a whole file. @throws {AppError} BAD_INPUT for bytes that are no text */
export function decodeTextFile(bytes: Uint8Array, path: string): string {
  const decoder = new TextFileDecoder(path)
  return decoder.piece(bytes) + decoder.end()
}
