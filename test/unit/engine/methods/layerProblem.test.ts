import { afterAll, describe, expect, it } from 'vitest'
import { LinearAlgebra } from '../../../../src/engine/graph/linearAlgebra'
import { innerProduct, toFloat32, toFloat64 } from '../../../../src/engine/numerics/matrix'
import { problemOf } from '../../../helpers/layerProblems'
import { gaussianMatrix, matrixOf, orthogonalityError } from '../../../helpers/matrices'

const algebra = new LinearAlgebra('cpu')
afterAll(() => algebra.release())

describe('the leading eigenvectors of a large linear with more outputs than inputs', () => {
  const [m, n, rank] = [900, 400, 8]
  // Exact in float32, so that both precisions solve one problem. Channels of H are loud, quiet and dead.
  const E = toFloat64(toFloat32(gaussianMatrix(m, n, 'tall')))
  const H = matrixOf(n, n, (i, j) => (i === j && i % 7 !== 0 ? 1 / (1 + i) : 0))
  const [large, reference] = (['float32', 'float64'] as const).map((precision) =>
    problemOf(algebra, { name: 'tall', E, H }, { precision, maxRank: rank })
  ) as [ReturnType<typeof problemOf>, ReturnType<typeof problemOf>]

  it.each(['none', 'diagonal', 'full'] as const)('capture as much as in float64, K = %s', async (weighting) => {
    expect(large.inFloat32).toBe(true)
    const U = await large.leading(weighting, rank)
    expect(U).toMatchObject({ rows: m, cols: rank })
    expect(orthogonalityError(U)).toBeLessThan(1e-12)
    const captured = innerProduct((await reference.apply(weighting, U)).data, U.data)
    const { values } = await reference.eigen(weighting)
    const most = values.subarray(0, rank).reduce((sum, value) => sum + value, 0)
    // The search ends when Σ λ lacks less than 1e-7, judged by its last steps.
    expect(Math.abs(captured / most - 1)).toBeLessThan(3e-7)
  })
})
