import { join } from 'node:path'
import type { BaseExport, BaseExportRequest } from '../../shared/baseExport'
import { AppError, badFormat, badInput } from '../../shared/errors'
import type { LinearFingerprint } from '../../shared/runFolder'
import { writeDirectoryAtomic } from '../formats/atomicDirectory'
import { Checkpoint } from '../formats/checkpoint'
import { CONFIG_FILE, writeWeightIndex } from '../formats/checkpointFiles'
import {
  type Dtype,
  decodeFloats,
  dtypeBytes,
  encodeFloats,
  FILE_DTYPES,
  FLOAT_DTYPES,
  type FloatDtype,
  isFloatDtype
} from '../formats/dtypes'
import type { WrittenFile } from '../formats/files'
import { MAX_SHARDS } from '../formats/limits'
import { elementCount } from '../formats/tensorInfo'
import { TensorSpool } from '../formats/tensorSpool'
import { stopHere } from '../graph/stopHere'
import { type ModelArchitecture, skippedModules } from '../models/architecture'
import { expertTensors } from '../models/expertWeights'
import { assertTensors } from '../models/modelLinears'
import { ModelParts } from '../models/modelParts'
import { exactDtype, linearDtypes, type ModelTensor, modelTensors } from '../models/modelTensors'
import { ModelWeights } from '../models/modelWeights'
import { otherTensors, writtenName } from '../models/otherParts'
import { readArchitecture } from '../models/registry'
import { hasOtherHead } from '../models/tiedHead'
import { firstNonFinite } from '../numerics/matrix'
import { checkpointFindings } from '../prepare/checkpointFindings'
import { fingerprintLinear, fingerprintModel } from '../quantizers/fingerprint'
import { fourBitBytes, fourBitTensors } from '../quantizers/fourBitTensors'
import { quantizerFor } from '../quantizers/registry'
import { copyCompanions, writeConfig } from './baseFiles'

/** Values that are read and rounded at once. */
const PIECE_VALUES = 2 ** 22

interface Source {
  readonly request: BaseExportRequest
  readonly dtype: FloatDtype
  readonly weights: ModelWeights
  /** What transformers calls a tensor in a file. */
  readonly fileName: (name: string) => string
  readonly signal: AbortSignal
  /** Told of tensors that are written. */
  readonly report: (done: number, total: number) => void
}

/**
 * Writes the quantized base as a pre-quantized checkpoint of bitsandbytes: what transformers writes with `save_pretrained`
 * after it has loaded the checkpoint in `dtype` with a BitsAndBytesConfig on CPU.
 *
 * The linears are quantized, everything else is rounded to `dtype`; tensors that the model does not read
 * are left out. At most one linear, or a piece of another tensor, is in memory; beside `out` a file as large as one shard
 * is needed meanwhile.
 *
 * @throws {AppError} BAD_INPUT for an output directory that is taken or a checkpoint that cannot be used, BAD_FORMAT for a
 *   damaged one, NUMERICS for values that `dtype` does not hold, IO; nothing is left behind
 */
export async function exportBase(
  request: BaseExportRequest,
  signal: AbortSignal,
  report: (done: number, total: number) => void = () => {}
): Promise<BaseExport> {
  const checkpoint = await Checkpoint.open(request.model)
  try {
    const architecture = readArchitecture(checkpoint.config, join(checkpoint.directory, CONFIG_FILE))
    if (architecture.noStoredBase !== undefined) {
      throw badInput(`${checkpoint.directory}: ${architecture.noStoredBase}`)
    }
    const parts = new ModelParts(architecture)
    const weights = new ModelWeights(checkpoint, architecture)
    assertTensors(weights, parts)
    const dtype = FILE_DTYPES[request.dtype]
    const ownHead = !architecture.tiedHead || (await hasOtherHead(weights, architecture, { dtype }))
    const tensors = allTensors(weights, parts, ownHead)
    const fileName = (name: string): string => writtenName(architecture.fileName?.(name) ?? name, architecture.written)
    const source = { request, dtype, weights, fileName, signal, report }
    const written = await writeDirectoryAtomic(request.out, async (directory) => {
      const stored = await writeWeights(source, tensors, directory)
      await writeConfig(checkpoint.directory, directory, request, skippedModules(architecture))
      return { ...stored, otherFiles: [CONFIG_FILE, ...(await copyCompanions(checkpoint.directory, directory))] }
    })
    const findings = await checkpointFindings(weights, parts)
    const notes = [...findings.map(({ message }) => message), ...notesOf(source, tensors)]
    return { path: request.out, ...written, notes }
  } finally {
    await checkpoint.close()
  }
}

/** Every tensor that the base is made of; of a text tower those of the other parts too, without which nothing loads it. */
function allTensors(weights: ModelWeights, parts: ModelParts, ownHead: boolean): ModelTensor[] {
  const cut = modelTensors(parts, ownHead).flatMap((tensor) => cutTensor(tensor, parts.architecture))
  const own = [...cut, ...expertTensors(weights, parts)]
  const { embedding, head, storedPrefixes = {}, written } = parts.architecture
  if (written === undefined) return own
  const read = new Set([...own.map(({ name }) => name), embedding, head].map((name) => weights.storedName(name)))
  const texts = Object.entries(storedPrefixes).flatMap(([prefix, others]) => [prefix, ...others])
  return [...own, ...otherTensors(weights.checkpoint, written, read, [...texts, head])]
}

/**
 * A tensor as transformers writes it: one that it joined when it loaded it in as many pieces of equal size, the last of which
 * may have less, wherever it was cut before.
 *
 * Source: transformers 5.23, core_model_loading.py, Chunk.
 */
function cutTensor(tensor: ModelTensor, { cutInto }: ModelArchitecture): ModelTensor[] {
  const { name, shape } = tensor
  const names = cutInto?.(name)
  if (names === undefined) return [tensor]
  const [rows = 0, ...row] = shape
  const step = Math.ceil(rows / names.length)
  return names.map((piece, i) => {
    const [begin, end] = [Math.min(rows, i * step), Math.min(rows, (i + 1) * step)]
    const [first, count] = [begin, end - begin].map((some) => some * elementCount(row)) as [number, number]
    return { ...tensor, name: piece, shape: [end - begin, ...row], cutOf: { name, shape, first, count } }
  })
}

async function writeWeights(source: Source, tensors: readonly ModelTensor[], directory: string) {
  const shards = divide(source, tensors)
  const fingerprints: LinearFingerprint[] = []
  const weightFiles: (WrittenFile & { name: string })[] = []
  const shardOf = new Map<string, string>()
  let tensorBytes = 0
  let done = 0
  for (const [i, shard] of shards.entries()) {
    const name = shardName(i, shards.length)
    const spool = await TensorSpool.create(join(directory, '.spool'))
    try {
      for (const tensor of shard) {
        await stopHere(source.signal)
        source.report(done++, tensors.length)
        const fingerprint = await spoolTensor(source, tensor, spool)
        if (fingerprint !== undefined) fingerprints.push(fingerprint)
      }
      for (const tensor of spool.names) shardOf.set(tensor, name)
      tensorBytes += spool.bytes
      weightFiles.push({ name, ...(await spool.writeTo(join(directory, name))) })
    } finally {
      await spool.discard()
    }
  }
  const parameters = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0)
  if (shards.length > 1) await writeWeightIndex(directory, { shardOf, bytes: tensorBytes, parameters })
  const linears = tensors.filter(({ linear }) => linear !== undefined).length
  const bytes = weightFiles.reduce((sum, file) => sum + file.bytes, 0)
  return { weightFiles, bytes, parameters, linears, fingerprint: fingerprintModel(fingerprints) }
}

const shardName = (index: number, count: number): string => {
  if (count === 1) return 'model.safetensors'
  const digits = (value: number): string => String(value).padStart(5, '0')
  return `model-${digits(index + 1)}-of-${digits(count)}.safetensors`
}

/** The tensors in files of at most the bytes asked for; what belongs to one linear stays together. */
function divide({ request, dtype }: Source, tensors: readonly ModelTensor[]): ModelTensor[][] {
  const shards: ModelTensor[][] = [[]]
  let bytes = 0
  for (const tensor of tensors) {
    const size = storedBytes(tensor, request, dtype)
    if (bytes > 0 && bytes + size > request.maxShardBytes) {
      shards.push([])
      bytes = 0
    }
    shards.at(-1)?.push(tensor)
    bytes += size
  }
  if (shards.length <= MAX_SHARDS) return shards
  throw badInput(
    `shards of ${request.maxShardBytes} bytes would be ${shards.length} files; at most ${MAX_SHARDS} can be`
  )
}

const storedBytes = (
  { linear, shape, float32 }: ModelTensor,
  { quantizer }: BaseExportRequest,
  dtype: FloatDtype
): number =>
  linear === undefined
    ? elementCount(shape) * (dtype === 'F32' || float32 ? 4 : 2)
    : fourBitBytes([linear.outFeatures, linear.inFeatures], quantizer)

async function spoolTensor(source: Source, tensor: ModelTensor, spool: TensorSpool) {
  const { linear, shape, stored, float32 } = tensor
  const { dtype, weights, fileName, request } = source
  const name = fileName(tensor.name)
  if (linear === undefined) {
    const own = float32 ? 'F32' : dtype
    await spool.add({ name, dtype: own, shape }, plainPieces({ ...source, dtype: own }, tensor))
    return undefined
  }
  const read = stored === undefined ? weights.readLinear(linear.path, linear) : weights.checkpoint.readFloat32(stored)
  const { values: weight } = rounded(await read, source, name)
  const quantized = quantizerFor(request.quantizer).quantize(weight, request.quantizer, linear.inFeatures)
  const whole = { name, dtype, shape: [linear.outFeatures, linear.inFeatures] as const }
  for (const { data, ...part } of fourBitTensors(whole, quantized, request.quantizer)) await spool.add(part, [data])
  return linear.inBlock ? fingerprintLinear(linear.path, quantized) : undefined
}

/** A tensor that stays in full precision, rounded to the dtype. */
async function* plainPieces(source: Source, tensor: ModelTensor): AsyncGenerator<Uint8Array> {
  const { name, shape, place, stored, cutOf, turnable } = tensor
  const { weights, dtype } = source
  if (stored !== undefined) {
    const bytes = await weights.checkpoint.readBytes(stored)
    yield converted(bytes, weights.find(stored, shape).dtype, dtype, stored)
    return
  }
  if (cutOf !== undefined) {
    const whole = await weights.read(cutOf.name, cutOf.shape)
    yield rounded(whole.subarray(cutOf.first, cutOf.first + cutOf.count), source, name).bytes
    return
  }
  if (place !== undefined) {
    const values = await weights.readPart(place)
    yield rounded(values, source, name).bytes
    return
  }
  const [rows = 1, columns = 1] = shape
  if (shape.length === 3) {
    const [, height = 1, width = 1] = shape
    const stack = { name, shape: [rows, height, width] as const, from: 0, rows: height, turnable: turnable === true }
    for (let index = 0; index < rows; index++) {
      const values = await weights.readPart(weights.stackedPart({ ...stack, index }))
      yield rounded(values, source, name).bytes
    }
    return
  }
  if (shape.length !== 2) {
    yield rounded(await weights.read(name, shape), source, name).bytes
    return
  }
  const step = Math.max(1, Math.floor(PIECE_VALUES / columns))
  for (let row = 0; row < rows; row += step) {
    source.signal.throwIfAborted()
    const piece = await weights.readMatrixRows(name, shape, row, Math.min(step, rows - row))
    yield rounded(piece, source, name).bytes
  }
}

/** Elements of one dtype as those of another, whatever they are. @throws {AppError} BAD_FORMAT for a dtype that is not read */
function converted(bytes: Uint8Array, from: Dtype, to: FloatDtype, name: string): Uint8Array {
  if (from === to) return bytes
  if (!isFloatDtype(from)) throw badFormat(`tensor ${name} is ${from}; expected ${FLOAT_DTYPES.join(', ')}`)
  const values = new Float32Array(bytes.length / dtypeBytes(from))
  decodeFloats(bytes, from, values)
  return encodeFloats(values, to)
}

/** The values as stored elements, and what those stand for; copies, except in F32. */
function rounded(values: Float32Array, { dtype, request }: Source, name: string) {
  const bytes = encodeFloats(values, dtype)
  if (dtype === 'F32') return { bytes, values }
  const back = new Float32Array(values.length)
  decodeFloats(bytes, dtype, back)
  const index = firstNonFinite(back)
  if (index < 0) return { bytes, values: back }
  throw new AppError(
    'NUMERICS',
    `tensor ${name} holds ${values[index]}, beyond what ${request.dtype} reaches; use another dtype`
  )
}

/** Weights that are rounded before they are quantized are not those that a run quantizes. */
function notesOf({ dtype, weights, request }: Source, tensors: readonly ModelTensor[]): string[] {
  // float32 holds every value of the other two.
  const others = dtype === 'F32' ? [] : linearDtypes(weights, tensors).filter((one) => one !== dtype)
  if (others.length === 0) return []
  const exact = exactDtype(linearDtypes(weights, tensors))
  const own = Object.entries(FILE_DTYPES).find(([, stored]) => stored === exact)?.[0]
  return [
    `the weights are stored as ${others.join(' and ')} and were rounded to ${request.dtype} before quantization; an adapter ` +
      `is computed for the weights as they are stored: for one of this checkpoint use --dtype ${own ?? request.dtype}`
  ]
}
