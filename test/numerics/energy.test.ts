import { afterAll, describe, expect, it } from 'vitest'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { energy } from '../../src/engine/methods/energy'
import { toFloat32 } from '../../src/engine/numerics/matrix'
import { gaussianMatrix, lossOf, product, transpose } from '../helpers/matrices'

const algebra = new LinearAlgebra('cpu')
afterAll(() => algebra.release())

describe('the energy tr(M H Mᵀ)', () => {
  // One panel, several whole ones, and a last one that is not whole; one row, and more rows than columns.
  it.each([
    [5, 40],
    [1, 64],
    [90, 200],
    [700, 130]
  ])('of a matrix [%i, %i] is that of plain loops in float64', async (m, n) => {
    const M = toFloat32(gaussianMatrix(m, n, 'M'))
    const X = gaussianMatrix(n, 30, 'X')
    const H = toFloat32(product(X, transpose(X)))
    const symmetric = {
      ...H,
      data: H.data.map((_, at) => H.data[Math.max(at, (at % n) * n + Math.floor(at / n))] as number)
    }
    const expected = lossOf(M, symmetric)
    // Rounding of float32 products in random directions: 6e-8 of terms that add up to no more than a few times the sum.
    const Mt = toFloat32(transpose(M))
    expect(Math.abs((await energy(algebra, Mt, symmetric)) / expected - 1)).toBeLessThan(1e-6)
  })
})
