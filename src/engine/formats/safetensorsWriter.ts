import { AppError } from '../../shared/errors'
import { DTYPES, type Dtype, dtypeBytes } from './dtypes'
import { type WrittenFile, writeChunksAtomic } from './files'
import { MAX_HEADER_BYTES } from './limits'
import { LENGTH_BYTES } from './safetensors'
import { elementCount } from './tensorInfo'

/** A tensor to be stored: `data` holds its elements in row-major order, little-endian. */
export interface TensorData {
  readonly name: string
  readonly dtype: Dtype
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

/** A tensor of which only its place in the file matters. */
export type SizedTensor = Omit<TensorData, 'data'> & { readonly byteLength: number }

/** A safetensors file in pieces: the header with its length field, then the tensors' own memory, in file order. */
export interface EncodedSafetensors {
  readonly header: Uint8Array
  readonly chunks: readonly Uint8Array[]
  readonly bytes: number
}

/**
 * Lays tensors out exactly as the reference writer does: metadata first, tensors by dtype descending and then by the bytes
 * of their names, no gaps, header padded with spaces to a multiple of 8. The same tensors give the same bytes in any order.
 *
 * @param metadata - added behind {"format": "pt"}, which some versions of transformers cannot do without; keys are sorted
 * @throws {AppError} INTERNAL if names repeat, or a tensor's data does not have the size of its shape
 *
 * Source: huggingface/safetensors 24b0b285, safetensors/src/tensor.rs, prepare; same bytes as safetensors 0.8.0.
 */
export function encodeSafetensors(
  tensors: Iterable<TensorData>,
  metadata: Readonly<Record<string, string>> = {}
): EncodedSafetensors {
  const sized = Array.from(tensors, (tensor) => ({ ...tensor, byteLength: tensor.data.byteLength }))
  const { header, ordered, bytes } = layOut(sized, metadata)
  return { header, chunks: ordered.map((tensor) => tensor.data), bytes }
}

/** The header of a file of these tensors, their order in it, and the length of the whole; as `encodeSafetensors`. */
export function layOut<T extends SizedTensor>(tensors: readonly T[], metadata: Readonly<Record<string, string>> = {}) {
  const ordered = [...tensors].sort(byLayout)
  const entries = [`"__metadata__":${metadataJson(metadata)}`]
  const names = new Set(['__metadata__'])
  let offset = 0
  for (const tensor of ordered) {
    assertStorable(tensor, names)
    names.add(tensor.name)
    const begin = offset
    offset += tensor.byteLength
    const { dtype, shape } = tensor
    entries.push(`${JSON.stringify(tensor.name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, offset] })}`)
  }
  const header = frameHeader(`{${entries.join(',')}}`)
  return { header, ordered, bytes: header.byteLength + offset }
}

/**
 * Writes a safetensors file atomically; see `encodeSafetensors` for its layout and `writeFileAtomic` for what that means.
 *
 * @returns length and SHA-256 of the file
 * @throws {AppError} IO, naming the file; nothing is left behind
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorData>,
  metadata?: Readonly<Record<string, string>>
): Promise<WrittenFile> {
  const { header, chunks } = encodeSafetensors(tensors, metadata)
  return await writeChunksAtomic(path, [header, ...chunks])
}

const byLayout = (a: SizedTensor, b: SizedTensor): number =>
  DTYPES.indexOf(b.dtype) - DTYPES.indexOf(a.dtype) || Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))

function metadataJson(metadata: Readonly<Record<string, string>>): string {
  const { format = 'pt', ...rest } = metadata
  const sorted = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${[['format', format], ...sorted].map((pair) => pair.map((text) => JSON.stringify(text)).join(':')).join(',')}}`
}

function assertStorable(tensor: SizedTensor, taken: ReadonlySet<string>): void {
  const expected = elementCount(tensor.shape) * dtypeBytes(tensor.dtype)
  if (taken.has(tensor.name)) {
    throw new AppError('INTERNAL', `writeSafetensors: the name ${JSON.stringify(tensor.name)} is taken`)
  }
  if (tensor.byteLength === expected) return
  const found = `${tensor.byteLength} bytes for ${tensor.dtype} of shape [${tensor.shape}]`
  throw new AppError('INTERNAL', `writeSafetensors: tensor ${tensor.name} has ${found}, expected ${expected}`)
}

function frameHeader(json: string): Uint8Array {
  const text = Buffer.from(json)
  const length = Math.ceil(text.byteLength / 8) * 8
  if (length > MAX_HEADER_BYTES) {
    throw new AppError('INTERNAL', `writeSafetensors: the header has ${length} bytes, the limit is ${MAX_HEADER_BYTES}`)
  }
  const header = Buffer.alloc(LENGTH_BYTES + length, ' ')
  header.writeBigUInt64LE(BigInt(length))
  text.copy(header, LENGTH_BYTES)
  return header
}
