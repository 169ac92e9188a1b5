import type { StoredBits } from '../formats/checkpoint'
import { decodeFloats } from '../formats/dtypes'
import type { DeviceGraph, DeviceMemory } from '../graph/deviceMemory'
import { INT32, UINT32 } from '../graph/elementTypes'
import { GraphBuilder, type Value } from '../graph/graphBuilder'
import { tensorFits } from '../graph/largestTensor'
import { type DeviceTensor, giveBack, type Tensor } from '../graph/session'

const PATTERNS = 2 ** 16

/** Which of the values of a format a device gives with the processor's bits: all that are finite, or only those that no shader takes for zero. */
type Trust = 'all' | 'normal' | 'none'

/** What is known of a format on a device: the value of each of its patterns, which lie there. */
interface Known {
  readonly trust: Trust
  readonly table: DeviceTensor
}

/** A matrix of values of 16 bits, two in a word, here or on the device. */
export interface PackedMatrix {
  readonly dtype: StoredBits['dtype']
  /** [rows, columns / 2]. */
  readonly words: Tensor | DeviceTensor
}

/**
 * Carries weights to a device as their 16 bits, of which a graph there makes float32: half the bytes. Each value is looked up
 * in a table of all 65,536, which was made here. A device is believed for what it was seen to give with the processor's bits.
 */
export class PackedUploads {
  readonly #known = new Map<StoredBits['dtype'], Promise<Known>>()

  /** @param memory - of the device, which outlives this */
  constructor(readonly memory: DeviceMemory) {}

  /**
   * A matrix [rows, columns] in float32 on the device, the caller's to give back.
   *
   * @returns undefined where its values have to be carried, as for `packed`
   * @throws {AppError} DEVICE with the library's reason when the device fails
   */
  async upload(bits: StoredBits, rows: number, columns: number): Promise<DeviceTensor | undefined> {
    const packed = await this.packed(bits, rows, columns)
    return packed && this.unpacked(packed)
  }

  /**
   * A matrix [rows, columns] as the device may unpack it; its bits are not copied.
   *
   * @param known - whether it was packed before: then its values are not looked at again
   * @returns undefined where its values have to be carried: an odd number of columns, too many for one tensor, or what the
   *   device does not give as it should
   * @throws {AppError} DEVICE with the library's reason when the device fails
   */
  async packed(
    { dtype, data }: StoredBits,
    rows: number,
    columns: number,
    known = false
  ): Promise<PackedMatrix | undefined> {
    if (!this.memory.keepsTensors || data.length === 0 || columns % 2 !== 0) return undefined
    if (!(await tensorFits(this.memory.device, 4 * data.length))) return undefined
    const { trust } = await this.#of(dtype)
    if (trust === 'none' || (!known && trust === 'normal' && dtype === 'BF16' && hasSubnormals(data))) return undefined
    return { dtype, words: wordsOf(data, rows, columns) }
  }

  /** The same with its words on the device: the caller's to give back. @throws {AppError} DEVICE when the device fails */
  async laid({ dtype, words }: PackedMatrix): Promise<PackedMatrix> {
    return { dtype, words: await this.memory.lay(words as Tensor) }
  }

  /** Its float32, the caller's to give back; the words stay where they are. @throws {AppError} DEVICE when the device fails */
  async unpacked({ dtype, words }: PackedMatrix): Promise<DeviceTensor> {
    const { table } = await this.#of(dtype)
    return unpacked(this.memory, table, words)
  }

  /**
   * A matrix as graphs of the device take it: carried there as its bits, or as its values, and the caller's to give back; where
   * none stays on the device, the matrix that was given.
   *
   * @param bits - of its values, where these are known
   * @throws {AppError} DEVICE with the library's reason when the device fails
   */
  async carry(values: Tensor, bits?: StoredBits): Promise<Tensor | DeviceTensor> {
    const [rows = 0, columns = 0] = values.shape
    return (bits && (await this.upload(bits, rows, columns))) ?? this.memory.upload(values)
  }

  async release(): Promise<void> {
    for (const known of this.#known.values()) giveBack([(await known).table])
    this.#known.clear()
  }

  #of(dtype: StoredBits['dtype']): Promise<Known> {
    const known = this.#known.get(dtype)
    if (known !== undefined) return known
    const found = tried(this.memory, dtype)
    this.#known.set(dtype, found)
    found.catch(() => this.#known.delete(dtype)) // nothing to give back
    return found
  }
}

/** Takes every pattern through the device once. */
async function tried(memory: DeviceMemory, dtype: StoredBits['dtype']): Promise<Known> {
  const patterns = Uint16Array.from({ length: PATTERNS }, (_, pattern) => pattern)
  const expected = new Float32Array(PATTERNS)
  decodeFloats(new Uint8Array(patterns.buffer), dtype, expected)
  const table = (await memory.upload({ data: expected, shape: [PATTERNS, 1] })) as DeviceTensor
  try {
    const there = await unpacked(memory, table, wordsOf(patterns, 256, 256))
    try {
      return { trust: trustIn((await memory.read(there)).data as Float32Array, expected), table }
    } finally {
      giveBack([there])
    }
  } catch (error) {
    giveBack([table])
    throw error
  }
}

const EXPONENT = 0x7f800000
const MANTISSA = 0x7fffff

function trustIn(found: Float32Array, expected: Float32Array): Trust {
  const bitsOf = ({ buffer, byteOffset, length }: Float32Array) => new Int32Array(buffer, byteOffset, length)
  const [own, right] = [bitsOf(found), bitsOf(expected)]
  let trust: Trust = 'all'
  for (const [i, bits] of right.entries()) {
    // Infinities and NaN are refused where weights are read.
    if (bits === own[i] || (bits & EXPONENT) === EXPONENT) continue
    if ((bits & EXPONENT) !== 0 || (bits & MANTISSA) === 0) return 'none'
    trust = 'normal'
  }
  return trust
}

/** Whether a value of bfloat16 is below float32's normal ones. */
const hasSubnormals = (data: Uint16Array): boolean => data.some((bits) => (bits & 0x7f80) === 0 && (bits & 0x7f) !== 0)

/** Of a matrix [rows, columns] of 16 bits, [rows, columns / 2]. */
const wordsOf = ({ buffer, byteOffset, length }: Uint16Array, rows: number, columns: number): Tensor => ({
  data: new Uint32Array(buffer, byteOffset, length / 2),
  shape: [rows, columns / 2]
})

const unpacked = async (
  memory: DeviceMemory,
  table: DeviceTensor,
  words: PackedMatrix['words']
): Promise<DeviceTensor> => (await memory.compute(UNPACK, { words, table })).there[RESULT] as DeviceTensor

const RESULT = 'values'

/** Bits in a value, as a factor. */
const SHIFT = 2 ** 16

/**
 * Of `words` [rows, columns / 2], whose lower half is the even column, and `table` [65,536, 1]: `values` [rows, columns]. WebGPU
 * has no shifts: quotients of unsigned integers are cut off, so that the upper half is word / 65,536.
 */
const UNPACK: DeviceGraph = {
  name: 'unpack',
  left: [RESULT],
  build: () => {
    const g = new GraphBuilder()
    const words = g.reshape(g.input('words', ['rows', 'halves'], 'uint32'), [0, -1, 1])
    const table = g.reshape(g.input('table', [PATTERNS, 1]), [-1])
    const shift = g.node('Cast', [g.scalar(SHIFT)], { to: UINT32 })
    const upper = g.div(words, shift)
    const lower = g.sub(words, g.mul(upper, shift))
    const index = (half: Value): Value => g.node('Cast', [half], { to: INT32 })
    const values = g.node('Gather', [table, g.concat([index(lower), index(upper)], 2)], { axis: 0 })
    g.output(RESULT, g.reshape(values, [0, -1]), ['rows', 'columns'])
    return g.build()
  }
}
