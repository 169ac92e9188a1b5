import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { projectionFactors, roundFactors } from '../../src/engine/methods/factors'
import { layerError } from '../../src/engine/methods/layerError'
import { LayerProblem } from '../../src/engine/methods/layerProblem'
import { methodFor } from '../../src/engine/methods/registry'
import { SecondMoment } from '../../src/engine/methods/secondMoment'
import type { Matrix64 } from '../../src/engine/numerics/matrix'
import { METHODS, type MethodName } from '../../src/shared/methods'
import { goldenCases } from '../helpers/golden'
import { readMatrix64 } from '../helpers/goldenTensors'

const OF_THE_REFERENCE = ['svd', 'diag', 'quailora', 'exact'] as const

interface Reference {
  rank: number
  loss_rank0: number
  frobenius_rank0: number
  eigenvalues_EHEt: number[]
  [method: string]: unknown
}

const { directory, names } = goldenCases('solver', (entry) =>
  entry.endsWith('.json') ? entry.replace(/\.json$/, '') : undefined
)
const algebra = new LinearAlgebra('cpu')
afterAll(() => algebra.release())

/** tr(R H Rᵀ) by plain loops: independent of the code under test. */
function lossOf(R: Float64Array, H: Matrix64): number {
  const n = H.rows
  let loss = 0
  for (let row = 0; row < R.length; row += n) {
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < n; k++) loss += (R[row + j] ?? 0) * (H.data[j * n + k] ?? 0) * (R[row + k] ?? 0)
    }
  }
  return loss
}

/** E − U UᵀE by plain loops. */
function residual(E: Matrix64, U: Matrix64): Float64Array {
  const R = Float64Array.from(E.data)
  for (let k = 0; k < U.cols; k++) {
    for (let j = 0; j < E.cols; j++) {
      let dot = 0
      for (let i = 0; i < E.rows; i++) dot += (U.data[i * U.cols + k] ?? 0) * (E.data[i * E.cols + j] ?? 0)
      for (let i = 0; i < E.rows; i++)
        R[i * E.cols + j] = (R[i * E.cols + j] ?? 0) - dot * (U.data[i * U.cols + k] ?? 0)
    }
  }
  return R
}

describe.each(names)('solver problem %s', (name) => {
  const reference = JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8')) as Reference
  const E = readMatrix64(join(directory, 'problems.safetensors'), `${name}.E`)
  const H = readMatrix64(join(directory, 'problems.safetensors'), `${name}.H`)
  const problemIn = (precision: 'float32' | 'float64') =>
    new LayerProblem(algebra, name, E, new SecondMoment(H), { maxRank: reference.rank, seed: 0, precision })
  const options = { rank: reference.rank, iterations: 20 }
  // Below this a loss is rounding of zero: float64 sums of terms as large as the loss at rank 0.
  const zero64 = 1e-13 * reference.loss_rank0
  /**
   * What the reference reached. Finite and no worse than rank 0 is all that can be asked where it says that it failed, and
   * of methods that it does not have.
   */
  const expected = (method: MethodName): number | undefined => {
    const found = reference[method] as { loss?: number; error?: string } | undefined
    const wanted = OF_THE_REFERENCE.some((one) => one === method) && found?.error === undefined
    if (wanted) expect(found?.loss, `${name}.json on ${method}`).toBeTypeOf('number')
    return found?.loss
  }

  it('has the loss without adapter that the reference has', async () => {
    const rank0 = await problemIn('float64').lossRank0()
    expect(Math.abs(rank0 - reference.loss_rank0)).toBeLessThanOrEqual(1e-12 * reference.loss_rank0)
  })

  it.each(OF_THE_REFERENCE)('%s in float64 reaches the reference', async (method) => {
    const U = await methodFor(method).basis(problemIn('float64'), options)
    const loss = lossOf(residual(E, U), H)
    expect(Number.isFinite(loss)).toBe(true)
    expect(loss).toBeLessThanOrEqual(reference.loss_rank0 * (1 + 1e-12))
    const target = expected(method)
    if (target === undefined) return
    const tolerance = method === 'exact' ? 1e-9 : 1e-6
    expect(Math.abs(loss - target)).toBeLessThanOrEqual(tolerance * target + zero64)
  })

  it.each(METHODS)('%s in float32, as stored in float32, stays within 1e-6 of the reference', async (method) => {
    const problem = problemIn('float32')
    const U = await methodFor(method).basis(problem, options)
    const factors = roundFactors(
      await projectionFactors(problem, U, { rank: reference.rank, scaling: 0.25 }),
      'float32'
    )
    expect([...factors.loraA.data, ...factors.loraB.data].every(Number.isFinite)).toBe(true)
    const { loss } = await layerError(problem, factors, 0.25)
    // Stored factors have 24 bits: of a loss that cancels completely, eps² of the loss at rank 0 remains.
    const zero32 = 1e-12 * reference.loss_rank0
    expect(loss).toBeLessThanOrEqual(reference.loss_rank0 * (1 + 1e-6))
    const target = methodFor(method).neutral ? reference.loss_rank0 : expected(method)
    if (target === undefined) return
    expect(Math.abs(loss - target)).toBeLessThanOrEqual(1e-6 * target + zero32)
  })

  it('finds the eigenvalues of E H Eᵀ', async () => {
    const { values } = await problemIn('float32').eigen('full')
    const largest = reference.eigenvalues_EHEt[0] as number
    expect(values.length).toBeGreaterThanOrEqual(Math.min(reference.rank, E.rows))
    for (const [i, value] of values.subarray(0, reference.rank).entries()) {
      expect(Math.abs(value - (reference.eigenvalues_EHEt[i] ?? 0))).toBeLessThanOrEqual(1e-7 * largest)
    }
  })
})
