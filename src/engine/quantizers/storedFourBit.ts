import { type AppError, badFormat } from '../../shared/errors'
import { BLOCK_SIZES, FOUR_BIT_FORMATS } from '../../shared/quantizers'
import type { FourBitSpec } from '../../shared/recipe'
import type { Checkpoint } from '../formats/checkpoint'
import { dtypeBytes, isFloatDtype } from '../formats/dtypes'
import { MAX_QUANT_STATE_BYTES } from '../formats/limits'
import type { CheckpointTensor } from '../formats/shards'
import { JsonFault, JsonNumber, type JsonValue, parseStrictJson, showJson } from '../formats/strictJson'
import { countParameters, elementCount } from '../formats/tensorInfo'
import { dequantizeAbsmax, NESTED_BLOCK } from '../numerics/doubleQuantization'
import type { QuantizedWeight } from './quantizer'
import { levelsOf } from './registry'

/** How the weights of a pre-quantized checkpoint were quantized, and from which shape. */
export interface QuantState {
  readonly spec: FourBitSpec
  /** [out, in]. */
  readonly shape: readonly number[]
  /** Of double quantization: what is added to every scale. */
  readonly offset?: number
}

const CODES_PER_BYTE = 2

const STATE = /^(.+)\.quant_state\.bitsandbytes__([a-z0-9]+)$/

/** Names of the weights of a checkpoint that are stored as codes of bitsandbytes. */
export const quantizedWeights = ({ tensors }: Checkpoint): string[] =>
  [...tensors.keys()].flatMap((name) => STATE.exec(name)?.[1] ?? [])

/** What a pre-quantized checkpoint holds. */
export interface StoredParameters {
  /** Codes are two to a byte, the last one of an odd number of them by itself; what describes them is none. */
  readonly parameters: number
  /** By dtype; of codes by their format. */
  readonly dtypes: Readonly<Record<string, number>>
  /** Bytes of the codes. */
  readonly packedBytes: number
}

/** Counts the parameters of a pre-quantized checkpoint, from its headers alone. */
export function storedParameters({ tensors }: Checkpoint): StoredParameters {
  const formatOf = new Map<string, string>()
  for (const name of tensors.keys()) {
    const [, weight, format] = STATE.exec(name) ?? []
    if (weight !== undefined && format !== undefined) formatOf.set(weight, format.toUpperCase())
  }
  const isDescription = (name: string) => formatOf.has(name.replace(/(\.weight)\..*$/, '$1')) && !formatOf.has(name)
  const plain = [...tensors.values()].filter(({ name }) => !formatOf.has(name) && !isDescription(name))
  const { parameters, dtypes } = countParameters(plain)
  const all: Record<string, number> = { ...dtypes }
  let packedBytes = 0
  for (const [name, format] of formatOf) {
    const { dtype, shape } = tensors.get(name) ?? { dtype: 'U8', shape: [0] }
    const bytes = dtypeBytes(dtype) * elementCount(shape)
    packedBytes += bytes
    all[format] = (all[format] ?? 0) + CODES_PER_BYTE * bytes
  }
  return { parameters: parameters + CODES_PER_BYTE * packedBytes, dtypes: all, packedBytes }
}

/**
 * Reads how a weight was quantized: the JSON of its state.
 *
 * @param name - `<module>.weight`
 * @returns undefined for a weight in full precision
 * @throws {AppError} BAD_FORMAT for a state that is damaged or that describes what Quail cannot read
 */
export async function readQuantState(checkpoint: Checkpoint, name: string): Promise<QuantState | undefined> {
  const format = FOUR_BIT_FORMATS.find((one) => checkpoint.has(stateName(name, one)))
  if (format === undefined) {
    const dtype = checkpoint.tensors.get(name)?.dtype
    if (dtype === undefined || isFloatDtype(dtype)) return undefined
    throw fault(checkpoint, name, `is ${dtype} without a quant_state of ${FOUR_BIT_FORMATS.join(' or ')}`)
  }
  const state = stateName(name, format)
  const json = await readState(checkpoint, state)
  const number = (key: string, accepted?: readonly number[]): number => {
    const value = json.get(key)
    const found = value instanceof JsonNumber ? Number(value.text) : Number.NaN
    if (Number.isFinite(found) && accepted?.includes(found) !== false) return found
    throw fault(checkpoint, state, `says ${key} ${showJson(value)}, ${accepted?.join(', ') ?? 'a number'} was expected`)
  }
  if (json.get('quant_type') !== format) {
    throw fault(checkpoint, state, `says quant_type ${showJson(json.get('quant_type'))}, ${format} was expected`)
  }
  const blockSize = number('blocksize', BLOCK_SIZES) as FourBitSpec['blockSize']
  const shape = shapeOf(json.get('shape'))
  if (shape === undefined) throw fault(checkpoint, state, `says shape ${showJson(json.get('shape'))}`)
  const doubleQuantization = json.has('nested_offset')
  const spec = { format, blockSize, doubleQuantization }
  if (!doubleQuantization) return { spec, shape }
  number('nested_blocksize', [NESTED_BLOCK])
  return { spec, shape, offset: Math.fround(number('nested_offset')) }
}

const stateName = (name: string, format: string): string => `${name}.quant_state.bitsandbytes__${format}`

async function readState(checkpoint: Checkpoint, name: string): Promise<ReadonlyMap<string, JsonValue>> {
  const tensor = checkpoint.tensors.get(name) as CheckpointTensor
  const bytes = tensor.end - tensor.begin
  if (tensor.dtype !== 'U8' || bytes > MAX_QUANT_STATE_BYTES) {
    throw fault(
      checkpoint,
      name,
      `is ${tensor.dtype} of ${bytes} bytes; U8 of at most ${MAX_QUANT_STATE_BYTES} is read`
    )
  }
  try {
    const value = parseStrictJson(new TextDecoder('utf-8', { fatal: true }).decode(await checkpoint.readBytes(name)))
    if (value instanceof Map) return value
  } catch (error) {
    if (error instanceof JsonFault) throw fault(checkpoint, name, error.message)
    if (!(error instanceof TypeError)) throw error // what TextDecoder throws
  }
  throw fault(checkpoint, name, 'is not a JSON object')
}

function shapeOf(value: JsonValue | undefined): number[] | undefined {
  if (!Array.isArray(value)) return undefined
  const sizes = value.flatMap((size) => (size instanceof JsonNumber ? (size.asIndex() ?? []) : []))
  return sizes.length === value.length && sizes.length === 2 ? sizes : undefined
}

/**
 * Reads a quantized weight exactly: its codes, scales and, with double quantization, their own codes and scales.
 *
 * With double quantization the raw scales are not in the file; `absmax` then holds what their codes stand for.
 *
 * @throws {AppError} BAD_FORMAT for tensors that are missing or misshapen, or levels that are not those of the format
 */
export async function readFourBit(checkpoint: Checkpoint, name: string, state: QuantState): Promise<QuantizedWeight> {
  const { spec, shape, offset } = state
  const count = elementCount(shape)
  const blocks = Math.ceil(count / spec.blockSize)
  // Codes may be stored under another dtype (bnb_4bit_quant_storage): the same bytes by another name.
  const packed = await readSized(checkpoint, name, Math.ceil(count / 2))
  await checkLevels(checkpoint, name, spec)
  if (offset === undefined) return { packed, absmax: await readFloats(checkpoint, `${name}.absmax`, blocks) }
  const nested = {
    codes: await readSized(checkpoint, `${name}.absmax`, blocks, 'U8'),
    absmax: await readFloats(checkpoint, `${name}.nested_absmax`, Math.ceil(blocks / NESTED_BLOCK)),
    map: await readFloats(checkpoint, `${name}.nested_quant_map`, 256),
    offset
  }
  return { packed, absmax: dequantizeAbsmax(nested), nested }
}

async function checkLevels(checkpoint: Checkpoint, name: string, { format }: FourBitSpec): Promise<void> {
  const map = `${name}.quant_map`
  const stored = await readFloats(checkpoint, map, 16)
  const levels = levelsOf(format)
  const code = stored.findIndex((level, i) => level !== levels[i])
  if (code < 0) return
  throw fault(checkpoint, map, `has level ${stored[code]} for code ${code}, ${format} has ${levels[code]}`)
}

function readFloats(checkpoint: Checkpoint, name: string, count: number): Promise<Float32Array> {
  sized(checkpoint, name, count * 4, 'F32')
  return checkpoint.readFloat32(name)
}

function readSized(checkpoint: Checkpoint, name: string, bytes: number, dtype?: 'U8'): Promise<Uint8Array> {
  sized(checkpoint, name, bytes, dtype)
  return checkpoint.readBytes(name)
}

function sized(checkpoint: Checkpoint, name: string, bytes: number, dtype?: 'U8' | 'F32'): void {
  const tensor = checkpoint.tensors.get(name)
  const expected = dtype === undefined ? `${bytes} bytes` : `${bytes / dtypeBytes(dtype)} values of ${dtype}`
  if (tensor === undefined) throw fault(checkpoint, name, `is missing, ${expected} were expected`)
  if (tensor.end - tensor.begin === bytes && (dtype === undefined || tensor.dtype === dtype)) return
  throw fault(checkpoint, name, `is ${tensor.dtype} of shape [${tensor.shape}], ${expected} were expected`)
}

const fault = ({ directory }: Checkpoint, name: string, what: string): AppError =>
  badFormat(`${directory}: tensor ${name} ${what}`)
