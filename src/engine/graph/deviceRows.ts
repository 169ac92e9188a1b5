import type { DeviceGraph, DeviceMemory } from './deviceMemory'
import { GraphBuilder } from './graphBuilder'
import { largestTensor, tensorFits } from './largestTensor'
import { DeviceTensor, giveBack, type Tensor } from './session'

/*
 * Matrices on a device that are larger than what its graphs may make on the way: some rows at a time.
 */

/** A matrix [rows, cols] on a device or here. */
export interface Placed {
  readonly values: Tensor | DeviceTensor
  readonly rows: number
  readonly cols: number
}

/**
 * How many rows of a matrix of float32 are treated at a time, as many as fit: all of them, or a number with which elements part
 * into whole groups. Undefined where no such number fits.
 *
 * @throws {AppError} DEVICE where it is tried what fits, and the device fails
 */
export async function rowsTogether(
  memory: DeviceMemory,
  { rows, cols }: Omit<Placed, 'values'>,
  group: number
): Promise<number | undefined> {
  const { device, tensorLimit } = memory
  const fits = await tensorFits(device, Math.min(tensorLimit, 4 * rows * cols))
  const most = Math.floor((fits ? tensorLimit : await largestTensor(device)) / (4 * cols))
  if (rows <= most) return rows
  const step = group / greatestDivisor(group, cols)
  return most < step ? undefined : most - (most % step)
}

/**
 * Does work with the rows of a matrix, so many at a time; those on a device are cut out there, and given back.
 *
 * @throws {AppError} DEVICE when the device fails
 */
export async function byRows(
  memory: DeviceMemory,
  { values, rows, cols }: Placed,
  together: number,
  work: (part: Tensor | DeviceTensor, begin: number, end: number) => Promise<void>
): Promise<void> {
  if (together >= rows) return work(values, 0, rows)
  for (let begin = 0; begin < rows; begin += together) {
    const end = Math.min(rows, begin + together)
    const part = await rowsOf(memory, { values, cols }, begin, end)
    try {
      await work(part, begin, end)
    } finally {
      giveBack([part])
    }
  }
}

/** Matrices on a device, one below the other, in one; they are given back, also where that fails. @throws {AppError} DEVICE */
export async function stacked(memory: DeviceMemory, parts: readonly DeviceTensor[]): Promise<DeviceTensor> {
  const [first] = parts
  if (first !== undefined && parts.length === 1) return first
  try {
    const feeds = Object.fromEntries(parts.map((part, i) => [`part${i}`, part]))
    return (await memory.compute(stackGraph(parts.length), feeds)).there.whole as DeviceTensor
  } finally {
    giveBack(parts)
  }
}

async function rowsOf(
  memory: DeviceMemory,
  { values, cols }: Omit<Placed, 'rows'>,
  begin: number,
  end: number
): Promise<Tensor | DeviceTensor> {
  if (!(values instanceof DeviceTensor)) {
    return { data: values.data.subarray(begin * cols, end * cols), shape: [end - begin, cols] }
  }
  return memory.rows(values, begin, end)
}

/** Matrices one below the other. */
export const stackGraph = (count: number): DeviceGraph => ({
  name: `stack ${count}`,
  left: ['whole'],
  build: () => {
    const g = new GraphBuilder()
    const parts = Array.from({ length: count }, (_, i) => g.input(`part${i}`, [`rows${i}`, 'cols']))
    g.output('whole', g.concat(parts, 0), ['rows', 'cols'])
    return g.build()
  }
})

export const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b))
