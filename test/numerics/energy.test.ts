import { afterAll, describe, expect, it } from 'vitest'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { energy } from '../../src/engine/methods/energy'
import { SecondMoment } from '../../src/engine/methods/secondMoment'
import { toFloat32 } from '../../src/engine/numerics/matrix'
import { gaussianMatrix, lossOf, product, transpose } from '../helpers/matrices'

const algebra = new LinearAlgebra('cpu')
afterAll(() => algebra.release())

describe('the energy tr(M H Mᵀ)', () => {
  // One panel, several whole ones, and a last one that is not whole; one row, and more rows than columns.
  it.each([
    [5, 40, 1],
    [1, 64, 1],
    [90, 200, 1],
    [700, 130, 1],
    [90, 200, 300]
  ])('of a matrix [%i, %i] is that of plain loops in float64, one channel %i times as loud', async (m, n, loudness) => {
    const M = toFloat32(gaussianMatrix(m, n, 'M'))
    const X = gaussianMatrix(n, 30, 'X')
    const loud = { ...X, data: X.data.map((value, at) => (at < X.cols ? loudness * value : value)) }
    const H = product(loud, transpose(loud))
    const expected = lossOf(M, H)
    // Rounding of float32 products in random directions: 6e-8 of the terms, of which many average out.
    const Mt = toFloat32(transpose(M))
    expect(Math.abs((await energy(algebra, Mt, new SecondMoment(H))) / expected - 1)).toBeLessThan(1e-6)
  })
})
