import type { DeviceGraph, DeviceMemory } from '../graph/deviceMemory'
import { byRows, type Placed, rowsTogether, stacked } from '../graph/deviceRows'
import { type DeviceTensor, giveBack, type Tensor } from '../graph/session'
import { bytesOf } from '../numerics/bytesOf'
import type { Matrix32 } from '../numerics/matrix'
import { areOrdinary } from './exactThere'

/** How a format quantizes on a device: consecutive elements of the flat weight share a scale. */
export interface FormatGraphs {
  /** Elements that share a scale. */
  readonly group: number
  /** `absmax` [groups, 1] of W. */
  readonly absmax: DeviceGraph
  /** `packed`, the bytes of the codes in int32, of W and of `reciprocals` and `scales` [groups, 1]; Q and E stay there. */
  readonly codes: DeviceGraph
  readonly bytesPerCode: number
}

/** A weight [rows, cols], and how many of its rows are quantized at a time: whole groups, whose codes fill whole words. */
export interface Rows extends Placed {
  readonly together: number
}

/** A weight that lies on the device, or what carries it there once it is known that it is wanted: it is then given back. */
export type Lying = DeviceTensor | (() => Promise<Tensor | DeviceTensor>)

/** What the processor makes of what each group has. */
export interface Groups {
  readonly reciprocals: Float32Array
  readonly scales: Float32Array
}

/** What a format asks of a weight that is quantized on a device. */
export interface RowsAsked {
  /** Elements of which there is a whole number in all, and in the rows that are quantized at a time. */
  readonly whole: number
  /** Whether the device was seen to give the processor's bits. */
  readonly isTried: () => Promise<boolean>
}

/**
 * Does work with a weight [out, in] on a device that keeps tensors.
 *
 * @param lies - the weight, where it lies there already, or how it is carried there
 * @returns undefined where the processor has to do it: elements are left over, a value is out of the ordinary, or the device does
 *   not compute as exactly as it should
 * @throws {AppError} DEVICE when the device fails
 */
export async function withRows<T>(
  memory: DeviceMemory,
  { data, rows, cols }: Matrix32,
  { whole, isTried }: RowsAsked,
  lies: Lying | undefined,
  work: (W: Rows) => Promise<T>
): Promise<T | undefined> {
  const wholes = data.length > 0 && data.length % whole === 0
  const together = wholes && memory.keepsTensors ? await rowsTogether(memory, { rows, cols }, whole) : undefined
  if (together === undefined || !areOrdinary(data) || !(await isTried())) return undefined
  const carry = lies ?? (() => memory.upload({ data, shape: [rows, cols] }))
  const values = typeof carry === 'function' ? await carry() : carry
  try {
    return await work({ values, rows, cols, together })
  } finally {
    if (values !== lies) giveBack([values])
  }
}

/** The absmax of each group, as the format's graph has it. @throws {AppError} DEVICE when the device fails */
export async function absmaxOf(
  memory: DeviceMemory,
  { group, absmax: graph }: FormatGraphs,
  W: Rows
): Promise<Float32Array> {
  const absmax = new Float32Array((W.rows * W.cols) / group)
  await byRows(memory, W, W.together, async (part, begin) => {
    const { here } = await memory.compute(graph, { W: part })
    absmax.set(here.absmax?.data as Float32Array, (begin * W.cols) / group)
  })
  return absmax
}

/**
 * The codes of a weight, with Q and E [rows, cols], which stay on the device and are the caller's to give back.
 *
 * @throws {AppError} DEVICE when the device fails
 */
export async function codesOf(
  memory: DeviceMemory,
  { group, codes: graph, bytesPerCode }: FormatGraphs,
  W: Rows,
  { reciprocals, scales }: Groups
): Promise<{ readonly packed: Uint8Array; readonly Q: DeviceTensor; readonly E: DeviceTensor }> {
  const packed = new Uint8Array(W.rows * W.cols * bytesPerCode)
  const there: Record<'Q' | 'E', DeviceTensor[]> = { Q: [], E: [] }
  try {
    await byRows(memory, W, W.together, async (part, begin, end) => {
      const ofGroups = (values: Float32Array): Tensor => {
        const data = values.subarray((begin * W.cols) / group, (end * W.cols) / group)
        return { data, shape: [data.length, 1] }
      }
      const feeds = { W: part, reciprocals: ofGroups(reciprocals), scales: ofGroups(scales) }
      const found = await memory.compute(graph, feeds)
      for (const name of ['Q', 'E'] as const) there[name].push(found.there[name] as DeviceTensor)
      const words = found.here.packed?.data as Int32Array
      packed.set(bytesOf(words), begin * W.cols * bytesPerCode)
    })
    const Q = await stacked(memory, there.Q)
    there.Q = [Q]
    return { packed, Q, E: await stacked(memory, there.E) }
  } catch (error) {
    giveBack([...there.Q, ...there.E])
    throw error
  }
}
