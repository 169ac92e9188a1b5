import { afterAll, describe, expect, it } from 'vitest'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { orthonormalize } from '../../src/engine/methods/orthonormalize'
import { powerBasis } from '../../src/engine/methods/powerBasis'
import type { Matrix64 } from '../../src/engine/numerics/matrix'
import { symmetricEigen } from '../../src/engine/numerics/symmetricEigen'
import {
  entry,
  gaussianMatrix,
  matrixOf,
  minus,
  norm,
  orthogonalityError,
  product,
  transpose
} from '../helpers/matrices'

const algebra = new LinearAlgebra('cpu')
afterAll(() => algebra.release())

const SIZE = 150

/** A matrix with these eigenvalues, in a random basis. */
function withEigenvalues(value: (i: number) => number): Matrix64 {
  const { vectors } = symmetricEigen(
    product(gaussianMatrix(SIZE, SIZE, 'G'), transpose(gaussianMatrix(SIZE, SIZE, 'G')))
  )
  const scaled = matrixOf(SIZE, SIZE, (i, j) => entry(vectors, i, j) * value(j))
  return product(scaled, transpose(vectors))
}

const counted = (G: Matrix64) => {
  const operator = {
    size: SIZE,
    products: 0,
    apply(Y: Matrix64): Promise<Matrix64> {
      operator.products++
      return algebra.gemm64(G, Y)
    }
  }
  return operator
}

/** The rounds as they are defined. */
async function rounds(G: Matrix64, start: Matrix64, power: number): Promise<Matrix64> {
  let U = start
  for (let step = 0; step < power; step++) U = await orthonormalize(algebra, await algebra.gemm64(G, U))
  return U
}

/** ‖U − V VᵀU‖ / ‖U‖: the sine of the angle between two spans. */
const angle = (U: Matrix64, V: Matrix64): number => norm(minus(U, product(V, product(transpose(V), U)))) / norm(U)
const gain = (G: Matrix64, U: Matrix64): number =>
  product(product(transpose(U), G), U).data.reduce((sum, x, i) => sum + (i % (U.cols + 1) ? 0 : x), 0)

describe('powerBasis', () => {
  it.each([1, 2, 3])('spans what %i rounds span', async (power) => {
    const G = withEigenvalues((i) => 1 / (1 + i))
    const start = await orthonormalize(algebra, gaussianMatrix(SIZE, 6, 'start'))
    const found = await powerBasis(algebra, counted(G), start, power)
    expect(orthogonalityError(found)).toBeLessThan(1e-12)
    expect(angle(await rounds(G, start, power), found)).toBeLessThan(1e-10)
  })

  it.each([
    ['falls quickly', (i: number) => 1 / (1 + i) ** 2],
    ['falls slowly', (i: number) => 1 / Math.sqrt(1 + i)]
  ])('gains what twenty rounds gain with fewer products where the spectrum %s', async (_, value) => {
    const G = withEigenvalues(value)
    const start = await orthonormalize(algebra, gaussianMatrix(SIZE, 6, 'start'))
    const operator = counted(G)
    const [found, expected] = [await powerBasis(algebra, operator, start, 20), await rounds(G, start, 20)]
    // It ends when the gain lacks less than 1e-8 by its last two steps.
    expect(Math.abs(gain(G, found) / gain(G, expected) - 1)).toBeLessThan(1e-7)
    expect(operator.products).toBeLessThan(14)
  })

  it('stays in the range of an operator of low rank', async () => {
    const G = withEigenvalues((i) => (i < 9 ? 1 / (1 + i) : 0))
    const start = await orthonormalize(algebra, gaussianMatrix(SIZE, 6, 'start'))
    const found = await powerBasis(algebra, counted(G), start, 20)
    expect(found.cols).toBe(6)
    expect(Math.abs(gain(G, found) / gain(G, await rounds(G, start, 20)) - 1)).toBeLessThan(1e-9)
  })

  it('leaves the basis as it is for no rounds', async () => {
    const start = await orthonormalize(algebra, gaussianMatrix(SIZE, 6, 'start'))
    expect(await powerBasis(algebra, counted(withEigenvalues(() => 1)), start, 0)).toBe(start)
  })
})
