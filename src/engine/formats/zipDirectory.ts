import type { FileHandle } from 'node:fs/promises'
import { badFormat } from '../../shared/errors'
import { fileError } from './files'
import { MAX_ZIP_DIRECTORY_BYTES, MAX_ZIP_ENTRIES } from './limits'
import { showJson } from './strictJson'

/*
 * The directory of a zip archive whose entries are stored as they are, the way torch writes them:
 *
 *   local header, name, padding, content …   central directory   [zip64 end, zip64 locator]   end record
 *
 * Only offsets are read, no content. Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3. Stricter than most readers:
 * nothing may follow the end record, the records must touch one another, and no two entries may share a byte.
 */

/** Where the content of an entry lies: byte offsets in the file, `end` excluded. */
export interface ZipEntry {
  readonly begin: number
  readonly end: number
}

const END_BYTES = 22
const LOCATOR_BYTES = 20
const ZIP64_END_BYTES = 56
const CENTRAL_BYTES = 46
const LOCAL_BYTES = 30
const SIGNATURE = { local: 0x04034b50, central: 0x02014b50, end: 0x06054b50, zip64End: 0x06064b50, locator: 0x07064b50 }
/** What a 16-bit or 32-bit field holds when the number stands in a zip64 field. */
const SATURATED_16 = 0xffff
const SATURATED_32 = 0xffffffff
const ZIP64_FIELD = 1
/** Bit 0: encrypted; bit 6: strongly; bit 13: the directory too. */
const ENCRYPTION_FLAGS = 0x2041
const STORED = 0

/** A file, its length, and a way to end the reading with a sentence. */
interface Source {
  readonly path: string
  readonly fileBytes: number
  read(position: number, length: number, what: string): Promise<Buffer>
  fail(message: string): never
}

interface Place {
  readonly entries: number
  readonly offset: number
  readonly bytes: number
}

interface Listed {
  readonly name: string
  readonly header: number
  readonly bytes: number
}

/** Whether a file begins like a zip archive with entries. */
export const looksLikeZip = (start: Uint8Array): boolean =>
  start.length >= 4 && Buffer.from(start.buffer, start.byteOffset, 4).readUInt32LE() === SIGNATURE.local

/**
 * Reads and checks the directory of a zip archive.
 *
 * @returns the entries by name
 * @throws {AppError} BAD_FORMAT for a damaged archive and for compressed, encrypted or overlapping entries; IO if the
 *   file cannot be read
 */
export async function readZipDirectory(file: FileHandle, path: string): Promise<ReadonlyMap<string, ZipEntry>> {
  try {
    const source = sourceOf(file, path, (await file.stat()).size)
    const place = await findDirectory(source)
    const listed = parseDirectory(await source.read(place.offset, place.bytes, 'the directory'), place, source)
    return await locateContents(listed, place.offset, source)
  } catch (error) {
    throw fileError(error, path)
  }
}

function sourceOf(file: FileHandle, path: string, fileBytes: number): Source {
  const fail = (message: string): never => {
    throw badFormat(`${path}: ${message}`)
  }
  async function read(position: number, length: number, what: string): Promise<Buffer> {
    if (position < 0 || position + length > fileBytes) fail(`${what} lies outside the file of ${fileBytes} bytes`)
    const bytes = Buffer.alloc(length)
    const { bytesRead } = await file.read(bytes, 0, length, position)
    return bytesRead === length ? bytes : fail(`${what} has ${length} bytes, only ${bytesRead} could be read`)
  }
  return { path, fileBytes, read, fail }
}

async function findDirectory(source: Source): Promise<Place> {
  const endAt = source.fileBytes - END_BYTES
  const end = await source.read(endAt, END_BYTES, 'the end record of a zip archive')
  if (end.readUInt32LE(0) !== SIGNATURE.end || end.readUInt16LE(20) !== 0) {
    source.fail('the file does not end with the end record of a zip archive; it is truncated or has trailing bytes')
  }
  const short = { entries: end.readUInt16LE(10), bytes: end.readUInt32LE(12), offset: end.readUInt32LE(16) }
  if (end.readUInt32LE(4) !== 0 || end.readUInt16LE(8) !== short.entries) source.fail('the zip archive is split')
  const long = await findZip64(endAt, source)
  const place = long?.place ?? short
  if (!agrees(short, place)) source.fail('the two end records of the zip archive disagree')
  checkPlace(place, long?.at ?? endAt, source)
  return place
}

/** The zip64 end record with its position, where the locator before the end record names one. */
async function findZip64(endAt: number, source: Source): Promise<{ place: Place; at: number } | undefined> {
  if (endAt < LOCATOR_BYTES) return undefined
  const locator = await source.read(endAt - LOCATOR_BYTES, LOCATOR_BYTES, 'the zip64 locator')
  if (locator.readUInt32LE(0) !== SIGNATURE.locator) return undefined
  const at = wide(locator, 8, source)
  if (at + ZIP64_END_BYTES !== endAt - LOCATOR_BYTES) source.fail('the zip64 end record is not before its locator')
  const end = await source.read(at, ZIP64_END_BYTES, 'the zip64 end record')
  if (end.readUInt32LE(0) !== SIGNATURE.zip64End) source.fail('the zip64 end record is damaged')
  if (end.readUInt32LE(16) !== 0 || end.readUInt32LE(20) !== 0) source.fail('the zip archive is split')
  return { place: { entries: wide(end, 32, source), bytes: wide(end, 40, source), offset: wide(end, 48, source) }, at }
}

const agrees = (short: Place, place: Place): boolean =>
  (short.entries === place.entries || short.entries === SATURATED_16) &&
  (short.bytes === place.bytes || short.bytes === SATURATED_32) &&
  (short.offset === place.offset || short.offset === SATURATED_32)

function checkPlace({ entries, offset, bytes }: Place, end: number, source: Source): void {
  if (entries > MAX_ZIP_ENTRIES)
    source.fail(`the zip archive has ${entries} entries; at most ${MAX_ZIP_ENTRIES} are read`)
  if (bytes > MAX_ZIP_DIRECTORY_BYTES) {
    source.fail(`the zip directory has ${bytes} bytes; at most ${MAX_ZIP_DIRECTORY_BYTES} are read`)
  }
  if (offset + bytes !== end) source.fail(`the zip directory ends at ${offset + bytes}, ${end} was expected`)
}

function parseDirectory(directory: Buffer, { entries }: Place, source: Source): Listed[] {
  const listed: Listed[] = []
  let at = 0
  for (; listed.length < entries; ) {
    if (at + CENTRAL_BYTES > directory.length) source.fail(`the zip directory ends before entry ${listed.length}`)
    const names = directory.readUInt16LE(at + 28)
    const extras = directory.readUInt16LE(at + 30)
    const next = at + CENTRAL_BYTES + names + extras + directory.readUInt16LE(at + 32)
    if (directory.readUInt32LE(at) !== SIGNATURE.central || next > directory.length) {
      source.fail(`entry ${listed.length} of the zip directory is damaged`)
    }
    listed.push(parseEntry(directory.subarray(at, next), names, extras, source))
    at = next
  }
  if (at !== directory.length) source.fail(`the zip directory holds more than its ${entries} entries`)
  return listed
}

function parseEntry(entry: Buffer, names: number, extras: number, source: Source): Listed {
  const name = entry.toString('utf8', CENTRAL_BYTES, CENTRAL_BYTES + names)
  const fail = (message: string): never => source.fail(`zip entry ${showJson(name)} ${message}`)
  const method = entry.readUInt16LE(10)
  if ((entry.readUInt16LE(8) & ENCRYPTION_FLAGS) !== 0) fail('is encrypted; plain entries were expected')
  if (method !== STORED) fail(`is compressed (method ${method}); stored entries, as torch writes them, were expected`)
  if (entry.readUInt16LE(34) !== 0) fail('lies on another disk')
  const extra = entry.subarray(CENTRAL_BYTES + names, CENTRAL_BYTES + names + extras)
  const wideNumber = zip64Numbers(extra, fail, source)
  const number = (at: number): number => {
    const short = entry.readUInt32LE(at)
    return short === SATURATED_32 ? wideNumber() : short
  }
  const bytes = number(24) // the order in which the zip64 field holds them: length, compressed length, offset
  const compressed = number(20)
  const header = number(42)
  if (bytes !== compressed) fail(`has ${bytes} bytes, stored in ${compressed}`)
  return { name, header, bytes }
}

/** Gives the numbers of the zip64 field among the extra fields, one after the other. */
function zip64Numbers(extra: Buffer, fail: (message: string) => never, source: Source): () => number {
  let field = Buffer.alloc(0)
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2)
    if (end > extra.length) fail('has a damaged extra field')
    if (extra.readUInt16LE(at) === ZIP64_FIELD) field = Buffer.from(extra.subarray(at + 4, end))
    at = end
  }
  let taken = 0
  return () => {
    if (taken + 8 > field.length) fail('has no zip64 field for its large numbers')
    taken += 8
    return wide(field, taken - 8, source)
  }
}

/** The contents by name, once every local header was found where the directory says, and no two overlap. */
async function locateContents(
  listed: readonly Listed[],
  directoryAt: number,
  source: Source
): Promise<ReadonlyMap<string, ZipEntry>> {
  const entries = new Map<string, ZipEntry>()
  let previousEnd = 0
  for (const one of [...listed].sort((a, b) => a.header - b.header)) {
    const fail = (message: string): never => source.fail(`zip entry ${showJson(one.name)} ${message}`)
    if (entries.has(one.name)) fail('is there twice')
    if (one.header < previousEnd) fail('overlaps the entry before it')
    const begin = one.header + (await localHeaderBytes(one, source, fail))
    previousEnd = begin + one.bytes
    if (previousEnd > directoryAt) fail('reaches into the zip directory')
    entries.set(one.name, { begin, end: previousEnd })
  }
  return entries
}

/** Length of a local header. Its sizes are not looked at: torch leaves them empty and writes them behind the content. */
async function localHeaderBytes({ name, header }: Listed, source: Source, fail: (m: string) => never): Promise<number> {
  const nameBytes = Buffer.byteLength(name)
  const local = await source.read(header, LOCAL_BYTES + nameBytes, `zip entry ${showJson(name)}`)
  if (local.readUInt32LE(0) !== SIGNATURE.local) fail('has no header where the zip directory says')
  const plain = (local.readUInt16LE(6) & ENCRYPTION_FLAGS) === 0 && local.readUInt16LE(8) === STORED
  const same = local.readUInt16LE(26) === nameBytes && local.toString('utf8', LOCAL_BYTES) === name
  if (!plain || !same) fail('has a header that disagrees with the zip directory')
  return LOCAL_BYTES + nameBytes + local.readUInt16LE(28)
}

/** A 64-bit number that JavaScript can hold. */
function wide(bytes: Buffer, at: number, source: Source): number {
  const value = bytes.readBigUInt64LE(at)
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : source.fail(`the zip archive gives a position of ${value}`)
}
