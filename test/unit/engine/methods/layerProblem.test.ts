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

  it.each([
    ['none', 2 ** -80],
    ['diagonal', 2 ** -80],
    ['none', 2 ** 64],
    ['diagonal', 2 ** 64],
    ['full', 2 ** 64]
  ] as const)('have the eigenvalues that they have, K = %s, where errors are larger by %f', async (weighting, size) => {
    const scaled = { ...E, data: E.data.map((value) => size * value) }
    const own = problemOf(algebra, { name: 'tall', E: scaled, H }, { maxRank: rank })
    const [found, usual] = [(await own.eigen(weighting)).values, (await large.eigen(weighting)).values]
    expect(usual.length).toBeGreaterThanOrEqual(rank)
    // The search ends when Σ λ lacks less than 1e-7; powers of two change no digit of what is not far smaller than the rest.
    for (let i = 0; i < rank; i++)
      expect(Math.abs((found[i] as number) / size ** 2 / (usual[i] as number) - 1)).toBeLessThan(1e-6)
  })
})
