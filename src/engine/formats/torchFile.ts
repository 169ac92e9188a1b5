import type { FileHandle } from 'node:fs/promises'
import { badFormat } from '../../shared/errors'
import { dtypeBytes } from './dtypes'
import { fileError } from './files'
import { MAX_PICKLE_BYTES, MAX_TENSORS } from './limits'
import { PickleDict, type PickleValue, readPickle } from './pickle'
import { showJson } from './strictJson'
import { elementCount, type TensorInfo, type WeightHeader } from './tensorInfo'
import { TORCH_RULES, TorchTensor } from './torchObjects'
import { looksLikeZip, readZipDirectory, type ZipEntry } from './zipDirectory'

/*
 * A file of torch.save: a zip archive of stored entries below one folder. `data.pkl` says what the tensors are, `data/0`,
 * `data/1`, … are their storages, `byteorder` is "little" (files before torch 2.1 have none and are little too).
 *
 *   pytorch_model/data.pkl   pytorch_model/byteorder   pytorch_model/data/0   …   pytorch_model/version
 *
 * Two tensors may be views of one storage, as tied weights are.
 */

/** How the names of torch files end. */
export const TORCH_EXTENSION = '.bin'

const HOW_TO_CONVERT =
  'convert the model with transformers: ' +
  'AutoModelForCausalLM.from_pretrained(directory).save_pretrained(new_directory, safe_serialization=True)'

/** The name of the entry that holds the pickle; before it stands one folder. */
const PICKLE_ENTRY = /^([^/]+)\/data\.pkl$/

/** First byte of a pickle from protocol 2 on, and so of a torch file of the old form. */
const PICKLE_START = 0x80

interface Archive {
  readonly path: string
  /** Name of the folder in which every entry lies. */
  readonly folder: string
  readonly entries: ReadonlyMap<string, ZipEntry>
}

/**
 * Reads where the tensors of a torch file lie; of their values nothing is read, and no code of the file is run.
 *
 * @throws {AppError} BAD_FORMAT for a file of the old form, a damaged one, one that holds anything but tensors by name,
 *   and for tensors that are not in row-major order; IO if it cannot be read
 */
export async function readTorchHeaderOf(file: FileHandle, path: string): Promise<WeightHeader> {
  try {
    const fileBytes = (await file.stat()).size
    await assertArchive(file, path)
    const archive = await openArchive(file, path)
    await assertLittleEndian(file, archive)
    const pickle = await readEntry(file, archive, 'data.pkl', MAX_PICKLE_BYTES)
    return { tensors: collectTensors(readPickle(pickle, TORCH_RULES, `${path}: data.pkl`), archive), fileBytes }
  } catch (error) {
    throw fileError(error, path)
  }
}

async function assertArchive(file: FileHandle, path: string): Promise<void> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
  if (looksLikeZip(buffer.subarray(0, bytesRead))) return
  const expected = 'a zip archive, as torch.save writes it since torch 1.6, was expected'
  if (bytesRead === 0 || buffer[0] !== PICKLE_START) throw badFormat(`${path} is no torch file; ${expected}`)
  throw badFormat(`${path} is a torch file of the old form, a bare pickle; ${expected}: ${HOW_TO_CONVERT}`)
}

async function openArchive(file: FileHandle, path: string): Promise<Archive> {
  const entries = await readZipDirectory(file, path)
  const folders = [...entries.keys()].flatMap((name) => PICKLE_ENTRY.exec(name)?.[1] ?? [])
  const [folder] = folders
  if (folder === undefined || folders.length > 1) {
    throw badFormat(`${path}: the zip archive holds ${folders.length} entries named data.pkl, one was expected`)
  }
  if (entries.has(`${folder}/constants.pkl`)) {
    throw badFormat(`${path} is a TorchScript program, a dictionary of tensors was expected; ${HOW_TO_CONVERT}`)
  }
  return { path, folder, entries }
}

async function assertLittleEndian(file: FileHandle, archive: Archive): Promise<void> {
  if (!archive.entries.has(`${archive.folder}/byteorder`)) return
  const order = (await readEntry(file, archive, 'byteorder', 16)).toString('latin1')
  if (order === 'little') return
  throw badFormat(`${archive.path}: byteorder is ${JSON.stringify(order)}, "little" was expected; ${HOW_TO_CONVERT}`)
}

async function readEntry(file: FileHandle, archive: Archive, name: string, limit: number): Promise<Buffer> {
  const { begin, end } = archive.entries.get(`${archive.folder}/${name}`) as ZipEntry // the callers looked
  const length = end - begin
  if (length > limit) throw badFormat(`${archive.path}: ${name} has ${length} bytes; at most ${limit} are read`)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, begin)
  if (bytesRead === length) return buffer
  throw badFormat(`${archive.path}: ${name} has ${length} bytes, only ${bytesRead} could be read`)
}

function collectTensors(root: PickleValue, archive: Archive): ReadonlyMap<string, TensorInfo> {
  if (!(root instanceof PickleDict)) throw badFormat(`${archive.path} holds no dictionary of tensors by name`)
  if (root.entries.length > MAX_TENSORS) {
    throw badFormat(`${archive.path} holds ${root.entries.length} tensors; at most ${MAX_TENSORS} are read`)
  }
  const tensors = new Map<string, TensorInfo>()
  for (const [name, value] of root.entries) {
    if (typeof name !== 'string') throw badFormat(`${archive.path}: a key is no text, names of tensors were expected`)
    if (tensors.has(name)) throw badFormat(`${archive.path}: tensor ${showJson(name)} is there twice`)
    tensors.set(name, locate(name, value, archive))
  }
  return tensors
}

function locate(name: string, value: PickleValue, archive: Archive): TensorInfo {
  const fail = (message: string): never => {
    throw badFormat(`${archive.path}: tensor ${showJson(name)} ${message}`)
  }
  if (!(value instanceof TorchTensor)) return fail(`is ${kindOf(value)}, a tensor was expected; ${HOW_TO_CONVERT}`)
  const { shape, offset, strides, storage } = value
  const entry = archive.entries.get(`${archive.folder}/data/${storage.key}`)
  const width = dtypeBytes(storage.dtype)
  if (entry === undefined) return fail(`has the storage ${showJson(storage.key)}, which is not in the archive`)
  if (entry.end - entry.begin !== storage.elements * width) {
    fail(`has a storage of ${storage.elements} ${storage.dtype}, its entry has ${entry.end - entry.begin} bytes`)
  }
  if (!isRowMajor(value)) {
    fail(`of shape [${shape}] has strides [${strides}], row-major order was expected; ${HOW_TO_CONVERT}`)
  }
  const count = elementCount(shape)
  // Written so that a product that is not a number, as of 0 and infinity, is refused too.
  if (!(offset + count <= storage.elements)) fail(`of shape [${shape}] reaches beyond its storage`)
  const begin = entry.begin + offset * width
  return { name, dtype: storage.dtype, shape, begin, end: begin + count * width }
}

/** Whether the elements lie one after the other. Strides of dimensions of one element, or of no elements, say nothing. */
function isRowMajor({ shape, strides }: TorchTensor): boolean {
  if (shape.includes(0)) return true
  let expected = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i] as number
    if (size !== 1 && strides[i] !== expected) return false
    expected *= size
  }
  return true
}

function kindOf(value: PickleValue): string {
  if (value instanceof PickleDict) return 'a dictionary'
  if (Array.isArray(value)) return 'a tuple'
  return value === null || typeof value !== 'object' ? `the value ${value}`.slice(0, 60) : 'no tensor'
}
