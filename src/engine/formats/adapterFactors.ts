import { open } from 'node:fs/promises'
import { badFormat } from '../../shared/errors'
import { shownValue } from '../../shared/shownValue'
import { decodeFloats, dtypeBytes, FLOAT_DTYPES, type FloatDtype, isFloatDtype } from './dtypes'
import { fileError, readAll } from './files'
import { elementCount, type TensorInfo } from './tensorInfo'
import { WeightFile } from './weightFile'

/** Values that stay in the file until they are asked for: a header may promise more than memory holds. */
export interface StoredValues {
  /**
   * All of them in order, some at a time, widened to float32 and not checked to be finite.
   *
   * @throws {AppError} IO, naming the file
   */
  pieces(): AsyncGenerator<Float32Array>
}

/** A factor: [rank, in] for A, [out, rank] for B. */
export interface AdapterTensor extends StoredValues {
  readonly module: string
  readonly factor: 'A' | 'B'
  readonly dtype: FloatDtype
  readonly shape: readonly [number, number]
}

/** What DoRA scales the rows of a linear to, [out]. */
export interface AdapterMagnitude extends StoredValues {
  readonly name: string
  readonly shape: readonly number[]
}

/** What a trainer may save beside the factors of linears. */
export interface AdapterFactors {
  readonly tensors: ReadonlyMap<string, AdapterTensor>
  /** By module; empty for an adapter without DoRA. */
  readonly magnitudes: ReadonlyMap<string, AdapterMagnitude>
  /** Modules that were trained whole, factors of embeddings and biases, by name; of none the values are read. */
  readonly others: readonly OtherTensor[]
}

/** A tensor beside the factors of linears. */
export type OtherTensor = Pick<TensorInfo, 'name' | 'shape'>

/** `lm_head.weight` of modules_to_save, LoRA of an embedding, single trained tokens, biases, a base layer saved along. */
const OTHERS =
  /^base_model\.model\.(?!.*\.lora_[AB]\.weight$)(?:.+\.(?:weight|bias|lora_embedding_[AB]|trainable_tokens_delta))$/

/** PEFT leaves out `.weight`, which its loader appends. */
const MAGNITUDE = /^base_model\.model\.(.+)\.lora_magnitude_vector(?:\.weight)?$/

/**
 * Finds all factors of an adapter's weight file, by key; of none the values are read.
 *
 * @param rank - what every factor must have; undefined where ranks differ by module
 * @throws {AppError} BAD_FORMAT, naming file and key, for keys that are no LoRA factors of a linear, for a module without
 *   one of its two factors, and for shapes that do not fit; otherwise as `readSafetensorsHeader`
 */
export async function readFactors(path: string, rank: number | undefined): Promise<AdapterFactors> {
  const file = await WeightFile.open(path)
  try {
    const tensors = new Map<string, AdapterTensor>()
    const magnitudes = new Map<string, AdapterMagnitude>()
    const others: OtherTensor[] = []
    for (const info of file.header.tensors.values()) {
      const [, scaled] = MAGNITUDE.exec(info.name) ?? []
      if (scaled !== undefined) {
        magnitudes.set(scaled, { name: info.name, shape: info.shape, ...storedValues(file, info) })
      } else if (OTHERS.test(info.name)) others.push({ name: info.name, shape: info.shape })
      else tensors.set(info.name, factorOf(file, info))
    }
    assertPairs([...tensors.values()], rank, path)
    return { tensors, magnitudes, others: others.sort((a, b) => (a.name < b.name ? -1 : 1)) }
  } finally {
    await file.close()
  }
}

function factorOf(file: WeightFile, info: TensorInfo): AdapterTensor {
  const { name, shape } = info
  const [, module, factor] = /^base_model\.model\.(.+)\.lora_([AB])\.weight$/.exec(name) ?? []
  if (module === undefined) {
    const expected = 'base_model.model.<module>.lora_A.weight or lora_B.weight was expected'
    throw badFormat(`${file.path}: unexpected tensor ${shownValue(name)}; ${expected}`)
  }
  const [rows, columns, ...rest] = shape
  if (rows === undefined || columns === undefined || rest.length > 0) {
    throw badFormat(`${file.path}: tensor ${name} has shape [${shape}], a matrix was expected`)
  }
  const dtype = floatDtypeOf(file, info)
  return { module, factor: factor as 'A' | 'B', dtype, shape: [rows, columns], ...storedValues(file, info) }
}

function floatDtypeOf(file: WeightFile, { name, dtype }: TensorInfo): FloatDtype {
  if (isFloatDtype(dtype)) return dtype
  throw badFormat(`${file.path}: tensor ${name} has dtype ${dtype}; ${FLOAT_DTYPES.join(', ')} are accepted`)
}

/** Values that are read at a time. */
const PIECE_VALUES = 2 ** 20

function storedValues(file: WeightFile, info: TensorInfo): StoredValues {
  const { path } = file
  const dtype = floatDtypeOf(file, info)
  const count = elementCount(info.shape)
  return {
    async *pieces() {
      const opened = await open(path).catch((error: unknown) => {
        throw fileError(error, path)
      })
      try {
        for (let done = 0; done < count; done += PIECE_VALUES) {
          const values = new Float32Array(Math.min(PIECE_VALUES, count - done))
          const stored = new Uint8Array(values.length * dtypeBytes(dtype))
          await readAll(opened, stored, info.begin + done * dtypeBytes(dtype), path)
          decodeFloats(stored, dtype, values)
          yield values
        }
      } finally {
        await opened.close()
      }
    }
  }
}

function assertPairs(tensors: readonly AdapterTensor[], rank: number | undefined, path: string): void {
  if (tensors.length === 0) throw badFormat(`${path} holds no tensors`)
  const loraB = new Map(tensors.filter(({ factor }) => factor === 'B').map((tensor) => [tensor.module, tensor]))
  for (const { module, factor, shape } of tensors) {
    if (factor === 'B') continue
    const partner = loraB.get(module)
    if (partner === undefined) throw badFormat(`${path}: ${module} has lora_A but no lora_B`)
    loraB.delete(module)
    const expected = rank ?? shape[0]
    if (shape[0] === expected && partner.shape[1] === expected) continue
    const found = `lora_A of shape [${shape}] and lora_B of shape [${partner.shape}]`
    throw badFormat(`${path}: ${module} has ${found}, expected [${expected}, in] and [out, ${expected}]`)
  }
  for (const module of loraB.keys()) throw badFormat(`${path}: ${module} has lora_B but no lora_A`)
}
