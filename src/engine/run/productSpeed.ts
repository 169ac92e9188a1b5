import type { DeviceName } from '../../shared/recipe'
import { LinearAlgebra } from '../graph/linearAlgebra'

/** Speed of a matrix product like those of a block, flops per second; takes a tenth of a second or so. */
export async function productSpeed(device: DeviceName): Promise<number> {
  const algebra = new LinearAlgebra(device)
  try {
    const size = 768
    const matrix = { data: new Float32Array(size * size).fill(0.5), rows: size, cols: size }
    await algebra.gemm32(matrix, matrix, { transB: true })
    const repetitions = 5
    const started = performance.now()
    for (let i = 0; i < repetitions; i++) await algebra.gemm32(matrix, matrix, { transB: true })
    const seconds = (performance.now() - started) / 1000
    return (repetitions * 2 * size ** 3) / seconds
  } finally {
    await algebra.release()
  }
}
