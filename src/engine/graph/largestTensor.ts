import type { ProviderName } from '../../shared/devices'
import { type DeviceGraph, DeviceMemory } from './deviceMemory'
import { TENSOR_LIMIT_BYTES } from './devices/computeLimits'
import { deviceOf } from './devices/registry'
import { GraphBuilder } from './graphBuilder'
import { DeviceError, type DeviceTensor, giveBack, type Tensor } from './session'

/** What every device has for a tensor. Source: W3C WebGPU, "Limits", default of maxStorageBufferBindingSize. */
const GUARANTEED_BYTES = 128 * 2 ** 20

const COLUMNS = 2 ** 16

const known = new Map<ProviderName, Promise<number>>()

/**
 * The largest tensor that a device computes with, bytes, up to what graphs are parted for. The library tells no limits of an
 * adapter, so that one of that size is made there and looked at, once a thread: milliseconds on a card.
 *
 * @throws {AppError} DEVICE with the library's reason where it does not even compute with what every device has
 */
export function largestTensor(device: ProviderName): Promise<number> {
  if (deviceOf(device).keepsTensors !== true) return Promise.resolve(TENSOR_LIMIT_BYTES)
  const found = known.get(device) ?? tried(device)
  known.set(device, found)
  found.catch(() => known.delete(device))
  return found
}

/** Whether a tensor of so many bytes is none too large for a device; nothing is tried for what every device has. */
export const tensorFits = async (device: ProviderName, bytes: number): Promise<boolean> =>
  bytes <= GUARANTEED_BYTES || bytes <= (await largestTensor(device))

async function tried(device: ProviderName): Promise<number> {
  const memory = new DeviceMemory(device)
  try {
    return (await computesWith(memory, TENSOR_LIMIT_BYTES).catch(asTooLarge))
      ? TENSOR_LIMIT_BYTES
      : await guaranteed(device, memory)
  } finally {
    await memory.release()
  }
}

async function guaranteed(device: ProviderName, memory: DeviceMemory): Promise<number> {
  if (await computesWith(memory, GUARANTEED_BYTES)) return GUARANTEED_BYTES
  throw new DeviceError(device, { reason: `it computes wrongly with tensors of ${GUARANTEED_BYTES / 2 ** 20} MiB` })
}

/** A device that was lost says so again with the next tensor. */
function asTooLarge(error: unknown): false {
  if (error instanceof DeviceError) return false
  throw error
}

/** Whether the products of a column and a row, a tensor of so many bytes, are right in its first row and in its last. */
async function computesWith(memory: DeviceMemory, bytes: number): Promise<boolean> {
  const rows = bytes / (4 * COLUMNS)
  const lying: DeviceTensor[] = []
  const rowOf = async (products: DeviceTensor, at: number): Promise<boolean> => {
    const row = await memory.rows(products, at, at + 1)
    lying.push(row)
    return (await memory.read(row)).data.every((value, i) => value === factor(at) * factor(i))
  }
  try {
    const feeds = { column: counted([rows, 1]), row: counted([1, COLUMNS]) }
    const products = (await memory.compute(PRODUCTS, feeds)).there[RESULT] as DeviceTensor
    lying.push(products)
    return (await rowOf(products, 0)) && (await rowOf(products, rows - 1))
  } finally {
    giveBack(lying)
  }
}

/** Products of two of them are exact in float32. */
const factor = (i: number): number => (i % 1021) + 1

const counted = (shape: readonly [number, number]): Tensor => ({
  data: Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => factor(i)),
  shape
})

const RESULT = 'products'

const PRODUCTS: DeviceGraph = {
  name: 'products',
  left: [RESULT],
  build: () => {
    const g = new GraphBuilder()
    g.output(RESULT, g.mul(g.input('column', ['rows', 1]), g.input('row', [1, 'columns'])), ['rows', 'columns'])
    return g.build()
  }
}
