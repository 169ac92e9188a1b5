import type { QuantizerSpec } from '../../shared/recipe'
import type { DeviceMemory } from '../graph/deviceMemory'
import { giveBack } from '../graph/session'
import { difference } from '../numerics/accumulate'
import type { Matrix32 } from '../numerics/matrix'
import { seededRandom } from '../numerics/random'
import { WORD } from './codeGraphs'
import { isExact, sameBytes } from './exactThere'
import { int8CodesGraph, LARGEST_GRAPH } from './int8Graphs'
import { absmaxOf, codesOf, type Lying, type Rows, withRows } from './quantizedRows'
import type { QuantizedThere, Quantizer } from './quantizer'

/** The largest float16. */
const LARGEST_HALF = 65504

/** The format on the processor. */
export interface Int8Format extends Pick<Quantizer, 'quantize' | 'dequantize'> {
  /** By which codes are multiplied once they were scaled. */
  readonly step: number
  /** By which a row is multiplied, of its largest |w|; 0 of none. */
  readonly reciprocalOf: (largest: number) => number
}

/**
 * Quantizes W [out, in] to int8 on a device that keeps tensors, with the codes, scales, Q and E of the processor, bit for bit.
 * Over the bus go W, unless it lies there, and for each row its scale and what it is multiplied by; a byte for each weight comes
 * back.
 *
 * @returns undefined where the processor has to do it: codes do not fill whole words, a value is out of the ordinary or larger
 *   than float16 holds, or the device does not compute as exactly as it should
 * @throws {AppError} DEVICE with the library's reason when the device fails
 */
export async function quantizeInt8There(
  memory: DeviceMemory,
  format: Int8Format,
  W: Matrix32,
  spec: QuantizerSpec,
  lies?: Lying
): Promise<QuantizedThere | undefined> {
  const asked = { whole: WORD, isTried: () => isTried(memory, format, spec, W.cols) }
  return withRows(memory, W, asked, lies, (placed) => quantized(memory, format, placed))
}

async function quantized(memory: DeviceMemory, format: Int8Format, W: Rows): Promise<QuantizedThere | undefined> {
  const graphs = { group: W.cols, absmax: LARGEST_GRAPH, codes: int8CodesGraph(format.step), bytesPerCode: 1 }
  const absmax = await absmaxOf(memory, graphs, W)
  if (absmax.some((largest) => largest > LARGEST_HALF)) return undefined
  const groups = { reciprocals: absmax.map(format.reciprocalOf), scales: absmax }
  const { packed, Q, E } = await codesOf(memory, graphs, W, groups)
  return { quantized: { packed, absmax }, Q, E }
}

/** Whether a device gives the processor's bits, tried once for rows of whole vectors, once for others: they have other kernels. */
function isTried(memory: DeviceMemory, format: Int8Format, spec: QuantizerSpec, cols: number): Promise<boolean> {
  const width = cols % WORD === 0 ? 64 : 63
  return isExact(memory, `int8 ${width}`, () => comparesEqual(memory, format, spec, width))
}

async function comparesEqual(
  memory: DeviceMemory,
  format: Int8Format,
  spec: QuantizerSpec,
  cols: number
): Promise<boolean> {
  const data = trial(cols)
  const rows = HALVES
  const expected = format.quantize(data, spec, cols)
  const Q = format.dequantize(expected, data.length, spec)
  const found = await quantized(memory, format, { values: { data, shape: [rows, cols] }, rows, cols, together: rows })
  if (found === undefined) return false
  try {
    const read = [(await memory.read(found.Q)).data, (await memory.read(found.E)).data] as const
    const alike = sameBytes(read[0], Q) && sameBytes(read[1], difference(data, Q))
    return (
      alike && sameBytes(found.quantized.packed, expected.packed) && sameBytes(found.quantized.absmax, expected.absmax)
    )
  } finally {
    giveBack([found.Q, found.E])
  }
}

/** Mantissas of float16, and rows of the trial. */
const HALVES = 1024

/**
 * What lies half way between two float16 and beside it, of every mantissa, of ordinary size and of the smallest; halves of every
 * largest magnitude, which lie half way between two codes; and random weights of many sizes.
 */
function trial(cols: number): Float32Array {
  const random = seededRandom('int8', cols)
  return new Float32Array(HALVES * cols).map((_, i) => valueAt(i, cols, random))
}

function valueAt(i: number, cols: number, random: () => number): number {
  const [row, column] = [Math.floor(i / cols), i % cols]
  const largest = (1 + row / HALVES) * 2 ** ((row % 5) - 4)
  if (column === 0) return -largest
  if (column === 1) return largest / 2
  const mantissa = (i >> 2) % HALVES
  const side = (((i >> 3) % 3) - 1) * 2 ** -24
  if (column % 4 === 2) return largest * 2 ** -(column % 11) * (2 * random() - 1)
  if (column % 4 === 3) return (1 + (mantissa + 0.5) / HALVES + side) * 2 ** (-5 - (column % 8))
  return column % 8 === 0 ? (mantissa + 0.5) * 2 ** -24 * (1 + side) : (2 * random() - 1) * 2 ** -4
}
