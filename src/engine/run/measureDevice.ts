import type { DeviceSpeed, ProviderName } from '../../shared/devices'
import { LinearAlgebra } from '../graph/linearAlgebra'

const SIZE = 1024
/** Enough to see the speed past the first, slower products; a software adapter stops earlier. */
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
    const matrix = { data: new Float32Array(SIZE * SIZE).fill(0.5), rows: SIZE, cols: SIZE }
    await algebra.gemm32(matrix, matrix, { transB: true }) // compiles, and wakes the device up
    const times: number[] = []
    const started = performance.now()
    while (times.length < MAX_REPETITIONS && (times.length < 3 || performance.now() - started < enoughMs)) {
      signal.throwIfAborted()
      const before = performance.now()
      await algebra.gemm32(matrix, matrix, { transB: true })
      times.push(performance.now() - before)
    }
    const bestMs = Math.min(...times)
    return { device, gflops: (2 * SIZE ** 3) / (bestMs * 1e6), size: SIZE, repetitions: times.length, bestMs }
  } finally {
    await algebra.release().catch(() => undefined) // a session that was never made fails a second time here
  }
}
