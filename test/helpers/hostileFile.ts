import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/*
 * Damaged files are kept as descriptions (test/fixtures/hostile/index.json), not as bytes, so that a reader sees what is
 * wrong with each. A file is a text, or a safetensors file:
 *
 *   hex        all bytes, if the file is not even framed
 *   header     JSON as text, or headerHex where it is not text
 *   declared   what the length field says, if not the header's length
 *   data       bytes of zeros behind the header
 *   bits       [byte offset in the data, 32-bit pattern in hexadecimal] to be put there
 *   tensors    instead of header and data: name → [dtype, shape], in order and without gaps
 */
export type HostileFile =
  | string
  | {
      hex?: string
      header?: string
      headerHex?: string
      declared?: string
      data?: number
      bits?: [number, string][]
      tensors?: Record<string, [string, number[]]>
    }

export interface HostileCase {
  /** A sentence: what the reader does with it. */
  name: string
  /** How it was made. */
  how: string
  /** The exact message; {path} stands for the file or directory. */
  error: string
  /** What the reference reader does with it, where it does not refuse it too. */
  reference?: 'accepts'
}

interface Index {
  safetensors: (HostileCase & { file: HostileFile })[]
  checkpoints: (HostileCase & { files: Record<string, HostileFile> })[]
  adapters: (HostileCase & { files: Record<string, HostileFile> })[]
}

export const hostileCases = (): Index =>
  JSON.parse(readFileSync(resolve(import.meta.dirname, '../fixtures/hostile/index.json'), 'utf8')) as Index

/** Writes one described file; its directory is made. */
export function writeHostile(path: string, file: HostileFile): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, typeof file === 'string' ? file : hostileBytes(file))
}

/** Writes a directory of described files. */
export function writeHostileDirectory(directory: string, files: Record<string, HostileFile>): void {
  mkdirSync(directory, { recursive: true })
  for (const [name, file] of Object.entries(files)) writeHostile(join(directory, name), file)
}

function hostileBytes(file: Exclude<HostileFile, string>): Buffer {
  if (file.hex !== undefined) return Buffer.from(file.hex, 'hex')
  if (file.tensors !== undefined) return hostileBytes({ ...file, ...layOut(file.tensors), tensors: undefined })
  const header = file.headerHex === undefined ? Buffer.from(file.header ?? '') : Buffer.from(file.headerHex, 'hex')
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(file.declared ?? header.length))
  const data = Buffer.alloc(file.data ?? 0)
  for (const [offset, pattern] of file.bits ?? []) data.writeUInt32LE(Number.parseInt(pattern, 16), offset)
  return Buffer.concat([length, header, data])
}

const WIDTH: Record<string, number> = { F32: 4, F64: 8, BF16: 2, F16: 2, I64: 8, U8: 1, F8_E4M3: 1 }

function layOut(tensors: Record<string, [string, number[]]>): { header: string; data: number } {
  let data = 0
  const entries = Object.entries(tensors).map(([name, [dtype, shape]]) => {
    const begin = data
    data += shape.reduce((product, size) => product * size, WIDTH[dtype] as number)
    return [name, { dtype, shape, data_offsets: [begin, data] }]
  })
  return { header: JSON.stringify(Object.fromEntries(entries)), data }
}
