import { describe, expect, it } from 'vitest'
import { inverseCholesky } from '../../src/engine/numerics/cholesky'
import { entry, gaussianMatrix, largest, matrixOf, minus, product, transpose } from '../helpers/matrices'

const gramOf = (rows: number, cols: number) => {
  const a = gaussianMatrix(rows, cols, 'cholesky')
  return product(transpose(a), a)
}

describe('inverseCholesky', () => {
  it.each([1, 2, 17, 80])('gives T with TᵀAT = I for a Gram matrix of size %i', (size) => {
    const A = gramOf(3 * size, size)
    const T = inverseCholesky(A, 1e-6)
    if (T === undefined) throw new Error('refused a matrix that is far from singular')
    for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) expect(entry(T, i, j)).toBe(0)
    // The condition of such a matrix is below 20; each entry adds up some `size` rounded products.
    expect(
      largest(
        minus(
          product(transpose(T), product(A, T)),
          matrixOf(size, size, (i, j) => (i === j ? 1 : 0))
        )
      )
    ).toBeLessThan(1e-12)
  })

  it('refuses a singular matrix, and one that holds no numbers', () => {
    expect(inverseCholesky(gramOf(3, 5), 1e-10)).toBeUndefined()
    expect(
      inverseCholesky(
        matrixOf(3, 3, () => 0),
        1e-10
      )
    ).toBeUndefined()
    expect(
      inverseCholesky(
        matrixOf(2, 2, () => Number.NaN),
        1e-10
      )
    ).toBeUndefined()
  })
})
