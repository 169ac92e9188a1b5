import { afterAll, describe, expect, it } from 'vitest'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { EigenSearch, topEigenpairs } from '../../src/engine/methods/topEigenpairs'
import { type Matrix64, toFloat32, toFloat64 } from '../../src/engine/numerics/matrix'
import { seededRandom } from '../../src/engine/numerics/random'
import { symmetricEigen } from '../../src/engine/numerics/symmetricEigen'
import {
  entry,
  gaussianMatrix,
  largest,
  matrixOf,
  minus,
  orthogonalityError,
  product,
  transpose
} from '../helpers/matrices'

const algebra = new LinearAlgebra('cpu')
afterAll(() => algebra.release())

/** X Xᵀ for X [size, rank] whose columns fall slowly: like the error of a quantizer, with no gap in the spectrum. */
function gram(size: number, rank: number, label: string): Matrix64 {
  const X = gaussianMatrix(size, rank, label)
  const falling = matrixOf(size, rank, (i, j) => entry(X, i, j) / Math.sqrt(1 + j / 20))
  return product(falling, transpose(falling))
}

const find = (G: Matrix64, count: number, seed = 1) =>
  topEigenpairs(
    algebra,
    { size: G.rows, apply: (Y) => algebra.gemm64(G, Y) },
    { count, tolerance: 1e-12, random: seededRandom('test', seed) }
  )

/** Largest entry of |G V − V Λ| over the first `count` pairs, relative to the largest eigenvalue. */
function residual(G: Matrix64, values: Float64Array, vectors: Matrix64, count: number): number {
  const V = matrixOf(G.rows, count, (i, j) => entry(vectors, i, j))
  const scaled = matrixOf(G.rows, count, (i, j) => entry(vectors, i, j) * (values[j] as number))
  return largest(minus(product(G, V), scaled)) / (values[0] as number)
}

describe('topEigenpairs', () => {
  // With a count of 8, up to 48 are decomposed whole: 40 is, 160 goes through a Krylov space.
  it.each([
    ['when the whole matrix is decomposed', 40],
    ['through a Krylov space', 160]
  ])('finds the eigenpairs of the formed matrix %s', async (_, size) => {
    const G = gram(size, size, 'both')
    const reference = symmetricEigen(G)
    const { values, vectors } = await find(G, 8)
    expect(vectors.cols).toBeGreaterThanOrEqual(8)
    for (let i = 0; i < 8; i++) {
      // The iteration ends when Σ λ stands still to 1e-12; what a slow pair still lacks is a few times that.
      expect(Math.abs((values[i] as number) - (reference.values[i] as number))).toBeLessThan(
        1e-9 * (reference.values[0] as number)
      )
    }
    // An eigenvalue is right to the square of its vector's error.
    expect(residual(G, values, vectors, 8)).toBeLessThan(1e-4)
    expect(orthogonalityError(vectors)).toBeLessThan(1e-12)
  })

  it('never gives more than the true eigenvalues', async () => {
    const G = gram(160, 160, 'bounds')
    const reference = symmetricEigen(G)
    const { values } = await find(G, 5)
    values.forEach((value, i) => {
      const bound = reference.values[i] as number
      expect(value).toBeLessThanOrEqual(bound + 1e-12 * (reference.values[0] as number))
    })
  })

  it('finds all of an operator of lower rank than asked for, and zeros beside it', async () => {
    const G = gram(160, 5, 'deficient')
    const reference = symmetricEigen(G)
    const { values, vectors } = await find(G, 8)
    for (let i = 0; i < 5; i++) expect(values[i]).toBeCloseTo(reference.values[i] as number, 9)
    for (const value of values.subarray(5)) expect(Math.abs(value)).toBeLessThan(1e-12 * (values[0] as number))
    expect(orthogonalityError(vectors)).toBeLessThan(1e-12)
  })

  it.each([40, 160])('takes an operator of size %i that is zero', async (size) => {
    const { values, vectors } = await find(
      matrixOf(size, size, () => 0),
      8
    )
    expect(values.length).toBeGreaterThanOrEqual(8)
    expect(values.every((value) => value === 0)).toBe(true)
    expect(orthogonalityError(vectors)).toBeLessThan(1e-12)
  })

  it.each([1, 12])('finds all pairs when the count is the size, %i', async (size) => {
    const G = gram(size, size, 'whole')
    const reference = symmetricEigen(G)
    const { values, vectors } = await find(G, size)
    expect(values).toHaveLength(size)
    expect(vectors).toMatchObject({ rows: size, cols: size })
    values.forEach((value, i) => {
      expect(Math.abs(value - (reference.values[i] as number))).toBeLessThan(1e-13 * (reference.values[0] as number))
    })
  })

  it('finds repeated eigenvalues', async () => {
    const { vectors } = symmetricEigen(gram(160, 160, 'repeated'))
    const scaled = matrixOf(160, 160, (i, j) => entry(vectors, i, j) * (j < 6 ? 2 : 1))
    const { values } = await find(product(scaled, transpose(vectors)), 8)
    for (let i = 0; i < 8; i++) expect(values[i]).toBeCloseTo(i < 6 ? 2 : 1, 9)
  })

  it('gives the same bits for the same seed', async () => {
    const G = gram(160, 160, 'seeded')
    const [first, second] = [await find(G, 8), await find(G, 8)]
    expect(second.values).toEqual(first.values)
    expect(second.vectors.data).toEqual(first.vectors.data)
  })
})

describe('a search that goes on', () => {
  it('finds what a search of its own finds, and makes no product twice', async () => {
    const G = gram(400, 400, 'going on')
    const counted = () => {
      const operator = {
        size: G.rows,
        columns: 0,
        apply: (Y: Matrix64) => {
          operator.columns += Y.cols
          return algebra.gemm64(G, Y)
        }
      }
      return operator
    }
    const [once, rough, twice] = [counted(), counted(), counted()]
    const options = () => ({ count: 8, random: seededRandom('going on') })
    const whole = await topEigenpairs(algebra, once, { ...options(), tolerance: 1e-12 })
    const start = await topEigenpairs(algebra, rough, { ...options(), tolerance: 1e-2 })
    const search = new EigenSearch(algebra, twice, options())
    const first = await search.until(1e-2)
    expect(first).toEqual(start)
    expect(twice.columns).toBe(rough.columns)
    const last = await search.until(1e-12)
    const reference = symmetricEigen(G)
    for (let i = 0; i < 8; i++) {
      const most = reference.values[0] as number
      for (const { values } of [whole, last]) {
        expect(Math.abs((values[i] as number) - (reference.values[i] as number))).toBeLessThan(1e-9 * most)
      }
    }
    // It may look at other sizes than the search that was never left: two looks are eight vectors apart, or a block.
    expect(twice.columns).toBeLessThan(once.columns + rough.columns)
    expect(orthogonalityError(last.vectors)).toBeLessThan(1e-12)
    // A wider tolerance is met by what is there.
    const { columns } = twice
    expect(await search.until(1e-3)).toEqual(last)
    expect(twice.columns).toBe(columns)
  })
})

describe('a spectrum so flat that the space fills up', () => {
  it('is searched on from the best vectors', async () => {
    const size = 400
    const { vectors } = symmetricEigen(gram(size, size, 'flat'))
    const scaled = matrixOf(size, size, (i, j) => entry(vectors, i, j) * (2 - j / size))
    const G = product(scaled, transpose(vectors))
    const { values, vectors: found } = await find(G, 4)
    // The eigenvalues lie 0.0025 apart; the sum stands still to 1e-12, a single one to a few times that.
    for (let i = 0; i < 4; i++) expect(Math.abs((values[i] as number) - (2 - i / size))).toBeLessThan(1e-9)
    expect(orthogonalityError(found)).toBeLessThan(1e-12)
  })
})

describe('an eigenvalue repeated more often than a block is wide', () => {
  it('is found as often as it is wanted with products in float32', async () => {
    const [size, copies, count] = [300, 40, 48]
    const value = (j: number): number => (j < copies ? 2 : 1 / (1 + j - copies))
    const { vectors } = symmetricEigen(gram(size, size, 'copies'))
    const scaled = matrixOf(size, size, (i, j) => entry(vectors, i, j) * value(j))
    const G = toFloat32(product(scaled, transpose(vectors)))
    const apply = async (Y: Matrix64) => toFloat64(await algebra.gemm32(G, toFloat32(Y)))
    const random = seededRandom('copies')
    const { values } = await topEigenpairs(algebra, { size, apply }, { count, tolerance: 1e-7, random })
    // Float32 products are right to about 1e-7 of the largest eigenvalue.
    for (let j = 0; j < count; j++) expect(Math.abs((values[j] as number) - value(j))).toBeLessThan(1e-6)
  })
})
