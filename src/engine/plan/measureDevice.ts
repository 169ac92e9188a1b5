import type { DeviceSpeed, ProviderName } from '../../shared/devices'
import { LinearAlgebra } from '../graph/linearAlgebra'

const SIZE = 1024
/** What a software adapter, hundreds of times slower than a card, is measured with. */
const SMALL_SIZE = 256
/** A first small product that takes longer tells of such an adapter: the large one would take half a minute. */
const SLOW_MS = 30
/** Enough to see the speed past the first, slower products. */
const MAX_REPETITIONS = 20
const ENOUGH_MS = 1500

/**
 * Speed of a square matrix product on a device, copies to and from it included, as a run pays for them too.
 *
 * @param enoughMs - time after which no further product is measured
 * @throws {AppError} DEVICE when the provider is missing; the signal's reason when it is cancelled
 */
export async function measureDevice(
  device: ProviderName,
  signal: AbortSignal,
  enoughMs = ENOUGH_MS
): Promise<DeviceSpeed> {
  const algebra = new LinearAlgebra(device)
  try {
    await timeOf(algebra, SMALL_SIZE) // compiles, and wakes the device up
    const size = (await timeOf(algebra, SMALL_SIZE)) > SLOW_MS ? SMALL_SIZE : SIZE
    const times: number[] = []
    const started = performance.now()
    while (times.length < MAX_REPETITIONS && (times.length < 2 || performance.now() - started < enoughMs)) {
      signal.throwIfAborted()
      times.push(await timeOf(algebra, size))
    }
    const bestMs = Math.min(...times)
    return { device, gflops: (2 * size ** 3) / (bestMs * 1e6), size, repetitions: times.length, bestMs }
  } finally {
    await algebra.release()
  }
}

/** Milliseconds of one product of two square matrices. */
async function timeOf(algebra: LinearAlgebra, size: number): Promise<number> {
  const matrix = { data: new Float32Array(size * size).fill(0.5), rows: size, cols: size }
  const before = performance.now()
  // The left factor as the library takes it: transposing it first would be slow, and very slow in a program that just began.
  await algebra.gemm32(matrix, matrix, { transA: true, transB: true })
  return performance.now() - before
}
