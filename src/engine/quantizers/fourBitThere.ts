import type { FourBitSpec } from '../../shared/recipe'
import type { DeviceMemory } from '../graph/deviceMemory'
import { giveBack } from '../graph/session'
import { difference } from '../numerics/accumulate'
import { dequantizeFourBit, divisorOf, type FourBitTable, quantizeFourBit } from '../numerics/fourBit'
import type { Matrix32 } from '../numerics/matrix'
import { seededRandom } from '../numerics/random'
import { scalesOf, withAbsmax } from './absmaxScales'
import { areOrdinary, isExact, SMALLEST, sameBytes } from './exactThere'
import { absmaxGraph, codesGraph } from './fourBitGraphs'
import { absmaxOf, codesOf, type Lying, type Rows, withRows } from './quantizedRows'
import type { QuantizedThere } from './quantizer'

type Spec = Pick<FourBitSpec, 'blockSize' | 'doubleQuantization'>

/** Random weights of the trial, beside those with ratios at the thresholds: kernels for few values may be others. */
const RANDOM_WEIGHTS = 2 ** 16

/**
 * Quantizes W [out, in] on a device that keeps tensors: the codes, absmax, Q and E of `quantizeFourBit`, `dequantizeFourBit`
 * and `difference`, bit for bit. Over the bus go W, unless it lies there, and per block its absmax, reciprocal and scale; half
 * a byte for each weight comes back.
 *
 * @returns undefined where the processor has to do it: the last block is a partial one, a value or a scale is
 *   out of the ordinary, or the device does not compute as exactly as it should
 * @throws {AppError} DEVICE with the library's reason when the device fails
 */
export async function quantizeFourBitThere(
  memory: DeviceMemory,
  table: FourBitTable,
  W: Matrix32,
  spec: Spec,
  lies?: Lying
): Promise<QuantizedThere | undefined> {
  const asked = { whole: spec.blockSize, isTried: () => isTried(memory, table, spec.blockSize) }
  return withRows(memory, W, asked, lies, (placed) => quantized(memory, table, placed, spec))
}

async function quantized(
  memory: DeviceMemory,
  table: FourBitTable,
  W: Rows,
  spec: Spec
): Promise<QuantizedThere | undefined> {
  const group = spec.blockSize
  const graphs = { group, absmax: absmaxGraph(group), codes: codesGraph(table, group), bytesPerCode: 1 / 2 }
  const absmax = await absmaxOf(memory, graphs, W)
  const scaled = withAbsmax(new Uint8Array(), absmax, spec)
  const scales = scalesOf(scaled)
  if (!areOrdinary(scales)) return undefined
  const reciprocals = absmax.map((largest) => 1 / divisorOf(largest))
  const { packed, Q, E } = await codesOf(memory, graphs, W, { reciprocals, scales })
  return { quantized: { ...scaled, packed }, Q, E }
}

/** Whether a device gives the processor's bits, tried once on ratios at and beside every threshold. */
const isTried = (memory: DeviceMemory, table: FourBitTable, blockSize: Spec['blockSize']): Promise<boolean> =>
  isExact(memory, codesGraph(table, blockSize).name, () => comparesEqual(memory, table, blockSize))

async function comparesEqual(
  memory: DeviceMemory,
  table: FourBitTable,
  blockSize: Spec['blockSize']
): Promise<boolean> {
  const data = trial(table, blockSize)
  const packed = new Uint8Array(data.length / 2)
  const absmax = new Float32Array(data.length / blockSize)
  quantizeFourBit(data, blockSize, table, packed, absmax)
  const Q = new Float32Array(data.length)
  dequantizeFourBit(packed, absmax, blockSize, table, Q)
  const [rows, cols] = [absmax.length, blockSize]
  const weight = { values: { data, shape: [rows, cols] }, rows, cols, together: rows }
  const found = await quantized(memory, table, weight, { blockSize, doubleQuantization: false })
  if (found === undefined) return false
  try {
    const { quantized: own } = found
    const values = [(await memory.read(found.Q)).data, (await memory.read(found.E)).data]
    const expected = [Q, difference(data, Q)]
    const alike = values.every((one, i) => sameBytes(one, expected[i] as Float32Array))
    return alike && sameBytes(own.packed, packed) && sameBytes(own.absmax, absmax)
  } finally {
    giveBack([found.Q, found.E])
  }
}

/** Blocks with the thresholds and their neighbours in float32 as ratios, and random ones of many sizes. */
function trial({ thresholds }: FourBitTable, blockSize: number): Float32Array {
  const near = Array.from(thresholds, (threshold) => [-1, 0, 1].map((steps) => neighbour(threshold, steps))).flat()
  const ofThresholds = Math.ceil(near.length / (blockSize - 1))
  const data = new Float32Array(ofThresholds * blockSize + RANDOM_WEIGHTS)
  for (let block = 0; block < ofThresholds; block++) {
    // With an absmax of one, ratios are the values.
    data.set([-1, ...near.splice(0, blockSize - 1)], block * blockSize)
  }
  const random = seededRandom('trial', blockSize)
  for (let block = ofThresholds; block * blockSize < data.length; block++) {
    const scale = 1.7 ** -(block % 24)
    for (let i = 0; i < blockSize; i++) data[block * blockSize + i] = (2 * random() - 1) * scale
  }
  return data
}

/** The float32 so many steps farther from zero; of zero itself the smallest that is told from it. */
function neighbour(value: number, steps: number): number {
  if (value === 0) return steps * SMALLEST
  const bits = new Int32Array(Float32Array.of(value).buffer)
  bits[0] = (bits[0] as number) + steps
  return new Float32Array(bits.buffer)[0] as number
}
