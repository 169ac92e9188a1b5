import { type FileHandle, open, stat } from 'node:fs/promises'
import { badFormat, badInput } from '../../shared/errors'
import { type Dtype, dtypeBytes, isDtype } from './dtypes'
import { fileError, isMissing } from './files'
import { MAX_DIMENSIONS, MAX_HEADER_BYTES, MAX_TENSORS } from './limits'
import { missingFile } from './missingFile'
import { JsonFault, JsonNumber, type JsonObject, type JsonValue, parseStrictJson, showJson } from './strictJson'
import type { TensorInfo, WeightHeader } from './tensorInfo'

/*
 * A safetensors file: 8 bytes N (little-endian), N bytes of JSON, then the tensors without a gap.
 *
 *   {"__metadata__": {"format": "pt"}, "model.norm.weight": {"dtype": "F32", "shape": [64], "data_offsets": [0, 256]}}
 *
 * The reader accepts what the reference implementation accepts (huggingface/safetensors 24b0b285, tensor.rs), except
 * that a repeated key, an entry written as a list, and an integer from 2⁵³ on are refused here.
 */

/** Bytes of the length field before the header. */
export const LENGTH_BYTES = 8

export interface SafetensorsHeader extends WeightHeader {
  readonly metadata: ReadonlyMap<string, string>
}

/**
 * Reads and checks the header of a file; nothing else of it is read.
 *
 * @throws {AppError} BAD_INPUT if the file is missing, BAD_FORMAT if it is damaged, IO if it cannot be read
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const file = await openForReading(path)
  try {
    return await readHeaderOf(file, path)
  } finally {
    await file.close()
  }
}

/** Opens a regular file for reading, with missing files and directories said in words. */
export async function openForReading(path: string): Promise<FileHandle> {
  try {
    if ((await stat(path)).isFile()) return await open(path, 'r')
  } catch (error) {
    throw isMissing(error) ? await missingFile(path) : fileError(error, path)
  }
  throw badInput(`${path} is not a file`)
}

/** `readSafetensorsHeader` for a file that is already open, and stays open. */
export async function readHeaderOf(file: FileHandle, path: string): Promise<SafetensorsHeader> {
  try {
    const fileBytes = (await file.stat()).size
    const length = await readLength(file, fileBytes, path)
    const header = new Uint8Array(length)
    const { bytesRead } = await file.read(header, 0, length, LENGTH_BYTES)
    if (bytesRead !== length)
      throw badFormat(`${path}: the header has ${length} bytes, only ${bytesRead} could be read`)
    return parseSafetensorsHeader(header, fileBytes, path)
  } catch (error) {
    throw fileError(error, path)
  }
}

async function readLength(file: FileHandle, fileBytes: number, path: string): Promise<number> {
  const prefix = Buffer.alloc(LENGTH_BYTES)
  const { bytesRead } = await file.read(prefix, 0, LENGTH_BYTES, 0)
  if (bytesRead < LENGTH_BYTES) {
    throw badFormat(`${path} has ${bytesRead} bytes; a safetensors file has at least ${LENGTH_BYTES}`)
  }
  const length = prefix.readBigUInt64LE()
  if (length > MAX_HEADER_BYTES) {
    throw badFormat(
      `${path} is not a safetensors file: it claims a header of ${length} bytes, the limit is 100,000,000`
    )
  }
  if (LENGTH_BYTES + Number(length) > fileBytes) {
    throw badFormat(
      `${path}: the header should have ${length} bytes, but the file has only ${fileBytes}; it is truncated`
    )
  }
  return Number(length)
}

/**
 * Checks a header and turns its offsets into offsets in the file.
 *
 * @param headerBytes - the JSON, without the 8 bytes of length before it
 * @param fileBytes - length of the whole file
 * @param path - for messages
 * @throws {AppError} BAD_FORMAT, naming file, tensor, what was found and what was expected
 */
export function parseSafetensorsHeader(headerBytes: Uint8Array, fileBytes: number, path: string): SafetensorsHeader {
  const root = parseRoot(headerBytes, path)
  const metadata = parseMetadata(root.get('__metadata__'), path)
  const dataBegin = LENGTH_BYTES + headerBytes.length
  const tensors = new Map<string, TensorInfo>()
  for (const [name, entry] of root) {
    if (name !== '__metadata__') tensors.set(name, parseEntry(name, entry, dataBegin, path))
  }
  if (tensors.size > MAX_TENSORS)
    throw badFormat(`${path} holds ${tensors.size} tensors; at most ${MAX_TENSORS} are read`)
  assertContiguous([...tensors.values()], dataBegin, fileBytes, path)
  return { metadata, tensors, fileBytes }
}

function parseRoot(headerBytes: Uint8Array, path: string): JsonObject {
  const root = parseJson(headerBytes, path)
  if (root instanceof Map) return root
  throw badFormat(`${path}: the header is ${showJson(root)}, a JSON object was expected`)
}

function parseJson(headerBytes: Uint8Array, path: string): JsonValue {
  try {
    // ignoreBOM keeps a byte order mark in the text, where the JSON parser then refuses it as the format demands.
    return parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(headerBytes))
  } catch (error) {
    const fault = error instanceof JsonFault ? error.message : 'is not UTF-8 text'
    throw badFormat(`${path} is not a safetensors file: the header ${fault}`)
  }
}

function parseMetadata(value: JsonValue | undefined, path: string): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>()
  if (value === undefined || value === null) return metadata
  if (!(value instanceof Map)) throw badFormat(`${path}: __metadata__ is ${showJson(value)}, an object was expected`)
  for (const [key, text] of value) {
    if (typeof text !== 'string') {
      throw badFormat(`${path}: __metadata__ ${showJson(key)} is ${showJson(text)}, a string was expected`)
    }
    metadata.set(key, text)
  }
  return metadata
}

function parseEntry(name: string, entry: JsonValue, dataBegin: number, path: string): TensorInfo {
  const fail = (message: string): never => {
    throw badFormat(`${path}: tensor ${showJson(name)}: ${message}`)
  }
  if (!(entry instanceof Map)) return fail(`the entry is ${showJson(entry)}, an object was expected`)
  const fields: JsonObject = entry
  const dtype = fields.get('dtype')
  if (!isDtype(dtype))
    return fail(`dtype is ${showJson(dtype)}; F32, BF16, F16, I64 or another of the format was expected`)
  const shape = parseIndices(fields, 'shape', fail)
  if (shape.length > MAX_DIMENSIONS) fail(`shape has ${shape.length} dimensions; at most ${MAX_DIMENSIONS} are read`)
  const [begin = 0, end = 0, ...rest] = parseIndices(fields, 'data_offsets', fail)
  const given = fields.get('data_offsets')
  if (rest.length > 0 || (given as unknown[]).length < 2) fail(`data_offsets is ${showJson(given)}, two were expected`)
  if (end < begin) fail(`data_offsets is [${begin}, ${end}], the end lies before the begin`)
  const expected = storedBytes(dtype, shape, fail)
  if (end - begin !== expected) {
    fail(`data_offsets span ${end - begin} bytes, but ${dtype} of shape [${shape}] takes ${expected}`)
  }
  return { name, dtype, shape, begin: dataBegin + begin, end: dataBegin + end }
}

function parseIndices(fields: JsonObject, key: string, fail: (message: string) => never): number[] {
  const list = fields.get(key)
  if (!Array.isArray(list)) return fail(`${key} is ${showJson(list)}, a list of integers was expected`)
  return list.map((item: JsonValue) => {
    const index = item instanceof JsonNumber ? item.asIndex() : undefined
    return index ?? fail(`${key} holds ${showJson(item)}, integers from 0 to 2^53 - 1 were expected`)
  })
}

function storedBytes(dtype: Dtype, shape: readonly number[], fail: (message: string) => never): number {
  let elements = 1
  for (const size of shape) {
    elements *= size
    if (!Number.isSafeInteger(elements * 8)) fail(`shape [${shape}] has more elements than any file can hold`)
  }
  const bytes = elements * dtypeBytes(dtype)
  if (!Number.isInteger(bytes)) fail(`${elements} elements of ${dtype} do not fill whole bytes`)
  return bytes
}

/** The data must be covered by the tensors exactly: no hole, no overlap, nothing behind the last one. */
function assertContiguous(tensors: TensorInfo[], dataBegin: number, fileBytes: number, path: string): void {
  let end = dataBegin
  for (const tensor of tensors.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (tensor.begin !== end) {
      const problem = tensor.begin < end ? 'overlaps the tensor before it' : 'leaves a hole before it'
      const found = `it begins at ${tensor.begin - dataBegin}, expected ${end - dataBegin}`
      throw badFormat(`${path}: tensor ${showJson(tensor.name)} ${problem}: ${found}`)
    }
    end = tensor.end
  }
  if (end === fileBytes) return
  const problem = fileBytes < end ? 'it is truncated' : 'it has trailing bytes that belong to no tensor'
  throw badFormat(`${path} has ${fileBytes} bytes, its header describes ${end}: ${problem}`)
}
