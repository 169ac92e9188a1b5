import type { QuantizerSpec } from '../../shared/recipe'
import { elementCount } from '../formats/tensorInfo'
import type { DeviceMemory } from '../graph/deviceMemory'
import { greatestDivisor, rowsTogether, stacked } from '../graph/deviceRows'
import { type DeviceTensor, giveBack, type Tensor } from '../graph/session'
import { difference } from '../numerics/accumulate'
import type { Matrix32 } from '../numerics/matrix'
import { seededRandom } from '../numerics/random'
import { scalesOf } from './absmaxScales'
import { type CodeValues, ERROR_GRAPH, valuesGraph, WORD } from './codeGraphs'
import { areOrdinary, isExact, sameBytes } from './exactThere'
import type { MatrixShape, QuantizedWeight, Quantizer, ReadableCodes } from './quantizer'

/** A format whose codes a device may read. */
export interface CodeFormat extends CodeValues, Pick<Quantizer, 'dequantize'> {
  /** Codes that share a scale: consecutive ones of the flat weight. */
  readonly group: number
  readonly spec: QuantizerSpec
}

/** Values of the trial beside those with every byte at every place of a word: kernels for few values may be others. */
const RANDOM_VALUES = 2 ** 16

class CodesThere implements ReadableCodes {
  #parts: readonly CodePart[]

  /** @param parts - some rows each, where the weight is larger than what a graph makes on its way */
  constructor(
    private readonly memory: DeviceMemory,
    private readonly format: CodeFormat,
    private readonly cols: number,
    parts: readonly CodePart[]
  ) {
    this.#parts = parts
  }

  get bytes(): number {
    return this.#parts.reduce(
      (sum, { words, scales }) => sum + 4 * (elementCount(words.shape) + elementCount(scales.shape)),
      0
    )
  }

  async values(): Promise<DeviceTensor> {
    const made: DeviceTensor[] = []
    try {
      for (const part of this.#parts) made.push(await valuesThere(this.memory, this.format, this.cols, part))
    } catch (error) {
      giveBack(made)
      throw error
    }
    return stacked(this.memory, made)
  }

  async stay(): Promise<void> {
    const laid: CodePart[] = []
    try {
      for (const part of this.#parts) {
        const words = await this.memory.lay(part.words as Tensor)
        laid.push({ words, scales: part.scales })
        laid[laid.length - 1] = { words, scales: await this.memory.upload(part.scales as Tensor) }
      }
    } catch (error) {
      giveBackParts(laid)
      throw error
    }
    this.#parts = laid
  }

  giveBack(): void {
    giveBackParts(this.#parts)
  }
}

/** Words of codes and their scales, [n, 1] each. */
interface CodePart {
  readonly words: Tensor | DeviceTensor
  readonly scales: Tensor | DeviceTensor
}

const giveBackParts = (parts: readonly CodePart[]): void =>
  giveBack(parts.flatMap(({ words, scales }) => [words, scales]))

/**
 * Codes as a device that keeps tensors may read them.
 *
 * @returns undefined where the processor has to do it: the last group is a partial one, codes do not fill whole words, a scale is
 *   out of the ordinary, or the device does not compute as exactly as it should
 * @throws {AppError} DEVICE with the library's reason when the device fails
 */
export async function readableCodes(
  memory: DeviceMemory,
  format: CodeFormat,
  quantized: QuantizedWeight,
  { rows, cols }: MatrixShape
): Promise<ReadableCodes | undefined> {
  const count = rows * cols
  const wholes = count > 0 && count % format.group === 0 && quantized.packed.length % WORD === 0
  const together =
    wholes && memory.keepsTensors ? await rowsTogether(memory, { rows, cols }, unitOf(format)) : undefined
  if (together === undefined) return undefined
  const scales = scalesOf(quantized)
  if (!areOrdinary(scales) || !(await isTried(memory, format))) return undefined
  return new CodesThere(
    memory,
    format,
    cols,
    partsOf(format, { packed: quantized.packed, scales, rows, cols }, together)
  )
}

/** Codes that part into whole groups and whole words. */
const unitOf = ({ group, values }: CodeFormat): number => {
  const inWord = WORD * (values.length / 256)
  return (group * inWord) / greatestDivisor(group, inWord)
}

function partsOf(format: CodeFormat, { packed, scales, rows, cols }: Codes, together: number): CodePart[] {
  const codes = format.values.length / 256
  const parts: CodePart[] = []
  for (let begin = 0; begin < rows; begin += together) {
    const [from, to] = [begin * cols, Math.min(rows, begin + together) * cols]
    parts.push(
      partOf(packed.subarray(from / codes, to / codes), scales.subarray(from / format.group, to / format.group))
    )
  }
  return parts
}

const partOf = (packed: Uint8Array, scales: Float32Array): CodePart => ({
  words: wordsOf(packed),
  scales: { data: scales, shape: [scales.length, 1] }
})

/**
 * E = W − Q [out, in] on a device that has Q, bit for bit that of the processor where the device passed the trial of
 * `readableCodes`, from which Q is.
 *
 * @param lies - W, where it lies there already
 * @returns what is the caller's to give back; undefined where a weight is out of the ordinary
 * @throws {AppError} DEVICE with the library's reason when the device fails
 */
export async function errorThere(
  memory: DeviceMemory,
  { data, rows, cols }: Matrix32,
  Q: DeviceTensor,
  lies?: DeviceTensor
): Promise<DeviceTensor | undefined> {
  if (!areOrdinary(data)) return undefined
  const W = lies ?? { data, shape: [rows, cols] }
  return (await memory.compute(ERROR_GRAPH, { W, Q })).there.E as DeviceTensor
}

interface Codes extends MatrixShape {
  readonly packed: Uint8Array
  readonly scales: Float32Array
}

async function valuesThere(
  memory: DeviceMemory,
  format: CodeFormat,
  cols: number,
  { words, scales }: CodePart
): Promise<DeviceTensor> {
  const graph = valuesGraph(format, { group: format.group, cols })
  return (await memory.compute(graph, { words, scales })).there.Q as DeviceTensor
}

/** Whole words of bytes; copied where they begin between two. */
function wordsOf(packed: Uint8Array): Tensor {
  const { buffer, byteOffset, byteLength } = packed.byteOffset % WORD === 0 ? packed : packed.slice()
  const data = new Int32Array(buffer, byteOffset, byteLength / WORD)
  return { data, shape: [data.length, 1] }
}

/** Whether a device gives the processor's Q and E, tried once on every byte at every place of a word, and on random ones. */
const isTried = (memory: DeviceMemory, format: CodeFormat): Promise<boolean> =>
  isExact(memory, `values ${format.name} ${format.group}`, () => comparesEqual(memory, format))

async function comparesEqual(memory: DeviceMemory, format: CodeFormat): Promise<boolean> {
  const { packed, scales, W } = trial(format)
  const expected = format.dequantize({ packed, absmax: scales }, W.data.length, format.spec)
  const Q = await valuesThere(memory, format, W.cols, partOf(packed, scales))
  let E: DeviceTensor | undefined
  try {
    E = (await errorThere(memory, W, Q)) as DeviceTensor
    const found = [(await memory.read(Q)).data, (await memory.read(E)).data] as const
    return sameBytes(found[0], expected) && sameBytes(found[1], difference(W.data, expected))
  } finally {
    giveBack([Q, E])
  }
}

/** Codes of every byte at every place of a word, and random ones; scales of many sizes and both signs; and weights beside them. */
function trial({ name, values, group }: CodeFormat) {
  const codes = values.length / 256
  const rows = Math.ceil((256 * WORD * codes + RANDOM_VALUES) / (group * WORD)) * WORD // whole words, whatever the group
  const random = seededRandom('codes', name, group)
  const packed = new Uint8Array((rows * group) / codes)
  for (let i = 0; i < packed.length; i++) packed[i] = i < 256 * WORD ? (i >> 2) + 64 * (i & 3) : 256 * random()
  const scales = Float32Array.from({ length: rows }, (_, i) => (i % 9 === 8 ? 0 : (random() - 0.2) * 1.7 ** -(i % 24)))
  const data = new Float32Array(rows * group)
  for (let i = 0; i < data.length; i++) data[i] = (2 * random() - 1) * (scales[Math.floor(i / group)] as number)
  return { packed, scales, W: { data, rows, cols: group } }
}
