import { badFormat, badInput } from '../../shared/errors'

/*
 * Headers of the tar format (POSIX ustar), one 512-byte block before each file. Only plain files are written or read:
 * times, owners and modes are constants, so that a bundle says nothing about the machine that it was made on.
 *
 *   0 name[100]  100 mode[8]  108 uid[8]  116 gid[8]  124 size[12]  136 mtime[12]  148 checksum[8]  156 type
 *   157 link[100]  257 "ustar\0" "00"  265 user[32]  297 group[32]  329 major[8]  337 minor[8]  345 prefix[155]
 */

export const TAR_BLOCK = 512
const NAME_BYTES = 100
const PREFIX_BYTES = 155
/** Eleven octal digits. */
const MAX_FILE_BYTES = 8 ** 11 - 1

export interface TarEntry {
  readonly name: string
  readonly bytes: number
}

/** Bytes up to the next whole block. */
export const padding = (bytes: number): number => (TAR_BLOCK - (bytes % TAR_BLOCK)) % TAR_BLOCK

/**
 * The header of a plain file.
 *
 * @throws {AppError} BAD_INPUT when its name is too long or it has 8 GiB or more
 */
export function encodeHeader({ name, bytes }: TarEntry): Buffer {
  if (bytes > MAX_FILE_BYTES) throw badInput(`${name} has ${bytes} bytes; a bundle takes files below 8 GiB`)
  const [prefix, rest] = splitName(name)
  const header = Buffer.alloc(TAR_BLOCK)
  header.write(rest, 0)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  header.write(prefix, 345)
  header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

function splitName(name: string): [string, string] {
  if (Buffer.byteLength(name) <= NAME_BYTES) return ['', name]
  for (let at = name.indexOf('/'); at >= 0; at = name.indexOf('/', at + 1)) {
    const [prefix, rest] = [name.slice(0, at), name.slice(at + 1)]
    if (Buffer.byteLength(prefix) <= PREFIX_BYTES && Buffer.byteLength(rest) <= NAME_BYTES) return [prefix, rest]
  }
  throw badInput(`the name ${name} is too long for a bundle; shorter names are needed`)
}

/**
 * Reads a header; undefined for the zero block that ends an archive.
 *
 * @param archive - for messages
 * @throws {AppError} BAD_FORMAT for anything but a plain file
 */
export function decodeHeader(header: Buffer, archive: string): TarEntry | undefined {
  if (header.every((byte) => byte === 0)) return undefined
  // Of a file of another kind, nothing about checksums would help: that it is another kind is asked first.
  if (header.toString('latin1', 257, 262) !== 'ustar')
    throw badFormat(`${archive} is no run bundle, or is damaged: no tar header where one has to be`)
  if (octal(header, 148, 8) !== checksum(header)) throw badFormat(`${archive}: damaged: a header's checksum is wrong`)
  const prefix = text(header, 345, PREFIX_BYTES)
  const name = prefix === '' ? text(header, 0, NAME_BYTES) : `${prefix}/${text(header, 0, NAME_BYTES)}`
  const type = header.toString('latin1', 156, 157)
  if (type !== '0')
    throw badFormat(`${archive}: ${name} is ${TYPES[type] ?? 'of an unknown kind'}; only plain files are accepted`)
  const bytes = octal(header, 124, 12)
  if (!Number.isSafeInteger(bytes)) throw badFormat(`${archive}: ${name} has no valid size`)
  return { name, bytes }
}

const TYPES: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '5': 'a directory',
  '6': 'a pipe',
  g: 'an extended header',
  x: 'an extended header',
  L: 'an extended name',
  K: 'an extended link'
}

/** Sum of all bytes, those of the checksum itself taken as spaces. */
function checksum(header: Buffer): number {
  let sum = 0
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte
  return sum
}

function octal(header: Buffer, at: number, length: number): number {
  const digits = header.toString('latin1', at, at + length).replaceAll(/[\0 ]+$/g, '')
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN
}

function text(header: Buffer, at: number, length: number): string {
  const field = header.subarray(at, at + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? length : end)
}
