import { TextDecoder } from 'node:util'
import { badInput } from '../../shared/errors'
import { IMPORT_PLACES } from '../../shared/samples'

/** Bytes at the beginning of a file that tell its encoding. */
const MARKS = [
  { name: 'UTF-32', encoding: undefined, bytes: [0xff, 0xfe, 0, 0] },
  { name: 'UTF-16', encoding: 'utf-16le', bytes: [0xff, 0xfe] },
  { name: 'UTF-16', encoding: 'utf-16be', bytes: [0xfe, 0xff] }
] as const

/** Bytes at the beginning of packed files, with what to do. */
const PACKED = [
  {
    by: 'gzip',
    bytes: [0x1f, 0x8b],
    remedy: `unpack it, or import it (${IMPORT_PLACES})`
  },
  { by: 'zstd', bytes: [0x28, 0xb5, 0x2f, 0xfd], remedy: 'unpack it' },
  { by: 'xz', bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], remedy: 'unpack it' },
  { by: 'bzip2', bytes: [0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59], remedy: 'unpack it' },
  { by: 'zip', bytes: [0x50, 0x4b, 3, 4], remedy: 'unpack it' }
] as const

const beginsWith = (bytes: Uint8Array, mark: readonly number[]): boolean => mark.every((byte, i) => bytes[i] === byte)

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
    const packed = PACKED.find((one) => beginsWith(bytes, one.bytes))
    if (packed !== undefined) throw badInput(`${this.path} is packed by ${packed.by}, not a text; ${packed.remedy}`)
    const mark = MARKS.find((one) => beginsWith(bytes, one.bytes))
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
