import { afterAll, describe, expect, it } from 'vitest'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { orthonormalize } from '../../src/engine/methods/orthonormalize'
import type { Matrix64 } from '../../src/engine/numerics/matrix'
import { concatColumns } from '../../src/engine/numerics/matrix'
import {
  entry,
  gaussianMatrix,
  largest,
  matrixOf,
  minus,
  norm,
  orthogonalityError,
  plus,
  product,
  transpose
} from '../helpers/matrices'

const algebra = new LinearAlgebra('cpu')
afterAll(() => algebra.release())

// Sums of a hundred products in float64 are right to about 1e-15; ten times that is for the two rounds.
const ORTHOGONAL = 1e-14

/** ‖Y − U UᵀY‖ / ‖Y‖: what of Y lies outside of the span. */
const outside = (Y: Matrix64, U: Matrix64): number =>
  norm(minus(Y, product(U, product(transpose(U), Y)))) / Math.max(norm(Y), Number.MIN_VALUE)

const columns = (Y: Matrix64, chosen: readonly number[]): Matrix64 =>
  matrixOf(Y.rows, chosen.length, (i, j) => entry(Y, i, chosen[j] as number))

describe('orthonormalize', () => {
  const Y = gaussianMatrix(100, 12, 'Y')

  it('gives an orthonormal basis of the columns', async () => {
    const U = await orthonormalize(algebra, Y)
    expect(U).toMatchObject({ rows: 100, cols: 12 })
    expect(orthogonalityError(U)).toBeLessThan(ORTHOGONAL)
    expect(outside(Y, U)).toBeLessThan(1e-14)
  })

  it('drops dependent and zero columns', async () => {
    const dependent = matrixOf(100, 5, (i, j) =>
      j === 2 ? 0 : j === 4 ? entry(Y, i, 0) - 3 * entry(Y, i, 1) : entry(Y, i, j % 3)
    )
    const U = await orthonormalize(algebra, dependent) // columns 0, 1, zero, 0, 0 − 3 · 1
    expect(U.cols).toBe(2)
    expect(orthogonalityError(U)).toBeLessThan(ORTHOGONAL)
    expect(outside(dependent, U)).toBeLessThan(1e-14)
  })

  it('gives nothing for nothing', async () => {
    expect(
      await orthonormalize(
        algebra,
        matrixOf(100, 3, () => 0)
      )
    ).toMatchObject({ rows: 100, cols: 0 })
    expect(await orthonormalize(algebra, { data: new Float64Array(0), rows: 100, cols: 0 })).toMatchObject({ cols: 0 })
  })

  it('keeps apart what is nearly dependent', async () => {
    // Columns 1e-7 apart: their Gram matrix has an eigenvalue of 1e-14, on the edge of what float64 can tell from zero;
    // at 1e-6 it must be told.
    const apart = (distance: number) => {
      const near = plus(columns(Y, [0]), distance, columns(Y, [1]))
      return concatColumns([columns(Y, [0]), near])
    }
    const U = await orthonormalize(algebra, apart(1e-6))
    expect(U.cols).toBe(2)
    expect(orthogonalityError(U)).toBeLessThan(ORTHOGONAL)
    expect(outside(columns(Y, [0, 1]), U)).toBeLessThan(1e-8) // the direction between them has 1e-16 / 1e-6 of noise
    for (const distance of [1e-7, 1e-9, 1e-15]) {
      const found = await orthonormalize(algebra, apart(distance))
      expect(orthogonalityError(found)).toBeLessThan(ORTHOGONAL)
      expect(outside(apart(distance), found)).toBeLessThan(1e-6)
    }
  })

  it('scales with no column: large and small ones count alike', async () => {
    const factors = [1e150, 1, 1e-150, 1e-7]
    const scaled = matrixOf(100, 4, (i, j) => entry(Y, i, j) * (factors[j] as number))
    const U = await orthonormalize(algebra, scaled)
    expect(U.cols).toBe(4)
    expect(orthogonalityError(U)).toBeLessThan(ORTHOGONAL)
    expect(outside(columns(Y, [0, 1, 2, 3]), U)).toBeLessThan(1e-13)
  })

  it('stays outside of a given basis', async () => {
    const V = await orthonormalize(algebra, columns(Y, [0, 1, 2, 3]))
    const mixed = plus(columns(Y, [4, 5, 6]), 1e6, columns(Y, [0, 1, 2])) // nearly all of it lies in span(V)
    const U = await orthonormalize(algebra, mixed, transpose(V))
    expect(U.cols).toBe(3)
    expect(largest(product(transpose(V), U))).toBeLessThan(ORTHOGONAL)
    expect(orthogonalityError(concatColumns([V, U]))).toBeLessThan(ORTHOGONAL)
    expect(outside(columns(Y, [4, 5, 6]), concatColumns([V, U]))).toBeLessThan(1e-8) // 1e6 · 1e-16, and some room
  })

  it('finds nothing outside of a basis that already holds the columns', async () => {
    const V = await orthonormalize(algebra, columns(Y, [0, 1, 2, 3]))
    expect(await orthonormalize(algebra, columns(Y, [1, 3]), transpose(V))).toMatchObject({ cols: 0 })
    const some = await orthonormalize(algebra, columns(Y, [1, 7]), transpose(V))
    expect(some.cols).toBe(1)
    expect(outside(columns(Y, [7]), concatColumns([V, some]))).toBeLessThan(1e-14)
  })

  it('gives the same bits each time', async () => {
    const [first, second] = [await orthonormalize(algebra, Y), await orthonormalize(algebra, Y)]
    expect(second.data).toEqual(first.data)
  })
})
