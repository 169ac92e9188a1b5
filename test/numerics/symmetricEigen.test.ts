import { describe, expect, it } from 'vitest'
import { leadingEigen } from '../../src/engine/numerics/leadingEigen'
import { type Matrix64, scaleColumns } from '../../src/engine/numerics/matrix'
import { type SymmetricEigen, symmetricEigen } from '../../src/engine/numerics/symmetricEigen'
import {
  entry,
  gaussian,
  gaussianMatrix,
  largest,
  matrixOf,
  minus,
  orthogonalityError,
  plus,
  product,
  transpose
} from '../helpers/matrices'

const EPSILON = Number.EPSILON

const symmetric = (size: number, label: string): Matrix64 => {
  const a = gaussianMatrix(size, size, label)
  return plus(a, 1, transpose(a))
}

/** Q diag(values) Qᵀ with the eigenvectors of a random matrix. */
function withSpectrum(values: readonly number[], label: string): Matrix64 {
  const { vectors } = symmetricEigen(symmetric(values.length, label))
  const scaled = scaleColumns({ ...vectors, data: Float64Array.from(vectors.data) }, values)
  const a = product(scaled, transpose(vectors))
  return matrixOf(a.rows, a.cols, (i, j) => entry(a, Math.max(i, j), Math.min(i, j)))
}

/** Largest entry of |A V − V Λ| over the largest eigenvalue, and departure of V from orthogonality. */
function errors(A: Matrix64, { values, vectors }: SymmetricEigen = symmetricEigen(A)) {
  const scaled = scaleColumns({ ...vectors, data: Float64Array.from(vectors.data) }, values)
  const size = values.reduce((max, x) => Math.max(max, Math.abs(x)), 0)
  const residual = largest(minus(product(A, vectors), scaled))
  return { values, residual: size === 0 ? residual : residual / size, orthogonality: orthogonalityError(vectors) }
}

/*
 * Householder's method and QL are backward stable: A is perturbed by about n · ε · ‖A‖, and n rotations leave V
 * orthogonal to about n · ε. Single entries come out far below; ten times n · ε leaves room and still sees any defect.
 */
const tolerance = (size: number): number => 10 * Math.max(1, size) * EPSILON

const cases: [string, () => Matrix64][] = [
  ['a random 200 × 200 matrix', () => symmetric(200, 'large')],
  ['a matrix of size two', () => symmetric(2, 'two')],
  ['a matrix of size three', () => symmetric(3, 'three')],
  ['repeated eigenvalues', () => withSpectrum([3, 3, 3, 3, 1, 1, 1, -2, -2, 0, 0, 0], 'repeated')],
  ['a projection of rank three in fifty dimensions', () => withSpectrum(Array(50).fill(1).fill(0, 3), 'projection')],
  [
    'a spectrum that falls over sixteen digits',
    () =>
      withSpectrum(
        Array.from({ length: 40 }, (_, i) => 10 ** (-0.4 * i)),
        'falling'
      )
  ],
  ['the identity', () => matrixOf(17, 17, (i, j) => (i === j ? 1 : 0))],
  ['zeros', () => matrixOf(9, 9, () => 0)],
  ['a diagonal matrix in no order', () => matrixOf(12, 12, (i, j) => (i === j ? ((7 * i) % 12) - 5 : 0))],
  ['a tridiagonal matrix', () => matrixOf(60, 60, (i, j) => (i === j ? 2 : Math.abs(i - j) === 1 ? -1 : 0))],
  ['the tridiagonal matrix with pairs of nearly equal eigenvalues', () => wilkinson(21)],
  ['a large matrix of low rank with rows of zeros, where rounding is rounded again', () => lowRank(200, 182, 18)],
  ['a matrix that is zero but for one corner', () => matrixOf(8, 8, (i, j) => (i + j === 14 ? 4 : 0))],
  ['a matrix graded downwards over a hundred digits', () => graded(24, (i) => 10 ** (-4 * i))],
  ['a matrix graded upwards over a hundred digits', () => graded(24, (i) => 10 ** (-4 * (23 - i)))],
  ['a matrix scaled by 1e100', () => scaled(30, 1e100)],
  ['a matrix scaled by 1e-100', () => scaled(30, 1e-100)],
  ['a matrix whose squares would underflow', () => scaled(30, 1e-200)],
  ['a matrix whose squares would overflow', () => scaled(30, 1e200)]
]

const wilkinson = (size: number): Matrix64 =>
  matrixOf(size, size, (i, j) => (i === j ? Math.abs(i - (size - 1) / 2) : Math.abs(i - j) === 1 ? 1 : 0))

/** X H Xᵀ for X [size, 2 · rank] whose first rows are zero, summed in another order for each entry. */
function lowRank(size: number, zeroRows: number, rank: number): Matrix64 {
  const X = gaussianMatrix(size, 2 * rank, 'low rank')
  const kept = matrixOf(size, 2 * rank, (i, j) => (i >= 8 && i < 8 + zeroRows ? 0 : entry(X, i, j)))
  return product(product(kept, symmetric(2 * rank, 'low rank')), transpose(kept))
}

const graded = (size: number, scale: (i: number) => number): Matrix64 => {
  const a = symmetric(size, 'graded')
  return matrixOf(size, size, (i, j) => entry(a, i, j) * Math.sqrt(scale(i)) * Math.sqrt(scale(j)))
}

const scaled = (size: number, factor: number): Matrix64 => {
  const a = symmetric(size, 'scaled')
  return matrixOf(size, size, (i, j) => entry(a, i, j) * factor)
}

describe('symmetricEigen', () => {
  it.each(cases)('decomposes %s', (_, make) => {
    const A = make()
    const { values, residual, orthogonality } = errors(A)
    expect(values).toHaveLength(A.rows)
    expect([...values]).toEqual([...values].sort((a, b) => b - a))
    expect(residual).toBeLessThanOrEqual(tolerance(A.rows))
    expect(orthogonality).toBeLessThanOrEqual(tolerance(A.rows))
  })

  it('finds the eigenvalues that a tridiagonal matrix has in closed form', () => {
    const n = 60
    const { values } = symmetricEigen(matrixOf(n, n, (i, j) => (i === j ? 2 : Math.abs(i - j) === 1 ? -1 : 0)))
    values.forEach((value, i) => {
      expect(Math.abs(value - (2 + 2 * Math.cos(((i + 1) * Math.PI) / (n + 1))))).toBeLessThan(4 * tolerance(n))
    })
  })

  it('finds zero and repeated eigenvalues as often as they occur', () => {
    const { values } = symmetricEigen(withSpectrum([5, 5, 5, 1, 0, 0, 0, -1], 'counted'))
    const expected = [5, 5, 5, 1, 0, 0, 0, -1]
    values.forEach((value, i) => {
      expect(Math.abs(value - (expected[i] as number))).toBeLessThan(5 * tolerance(8))
    })
  })

  it('scales with the matrix', () => {
    const [one, large] = [symmetricEigen(symmetric(30, 'scaled')), symmetricEigen(scaled(30, 2 ** 300))]
    // A power of two changes no digit.
    expect([...large.values].map((value) => value / 2 ** 300)).toEqual([...one.values])
    expect(large.vectors.data).toEqual(one.vectors.data)
  })

  it('takes a matrix of one entry, and of none', () => {
    const one = symmetricEigen({ data: Float64Array.of(-3), rows: 1, cols: 1 })
    expect([...one.values]).toEqual([-3])
    expect([...one.vectors.data]).toEqual([1])
    const none = symmetricEigen({ data: new Float64Array(0), rows: 0, cols: 0 })
    expect(none.values).toHaveLength(0)
    expect(none.vectors).toMatchObject({ rows: 0, cols: 0 })
  })

  it('reads the lower triangle alone and leaves its input as it was', () => {
    const A = symmetric(10, 'lower')
    const garbled = matrixOf(10, 10, (i, j) => (j > i ? gaussian(i, j)() : entry(A, i, j)))
    const before = Float64Array.from(garbled.data)
    expect(symmetricEigen(garbled).values).toEqual(symmetricEigen(A).values)
    expect(garbled.data).toEqual(before)
  })
})

describe('leadingEigen', () => {
  it.each(cases)('finds the largest third of %s', (_, make) => {
    const A = make()
    const count = Math.ceil(A.rows / 3)
    const whole = symmetricEigen(A)
    const found = leadingEigen(A, count)
    const size = Math.max(...whole.values.map(Math.abs))
    expect(found.values).toHaveLength(count)
    // Residuals are judged against the whole matrix, whose largest eigenvalue in size may be a negative one.
    const { residual, orthogonality } = errors(A, found)
    const largestFound = Math.max(...found.values.map(Math.abs))
    expect(residual * (largestFound === 0 ? 1 : largestFound)).toBeLessThanOrEqual(1e-12 * size)
    expect(orthogonality).toBeLessThanOrEqual(tolerance(A.rows))
    for (const [i, value] of found.values.entries()) {
      expect(Math.abs(value - (whole.values[i] as number))).toBeLessThanOrEqual(tolerance(A.rows) * size)
    }
  })

  it('finds no more pairs than there are', () => {
    expect(leadingEigen(symmetric(5, 'five'), 9).values).toHaveLength(5)
    expect(leadingEigen({ data: new Float64Array(0), rows: 0, cols: 0 }, 3).values).toHaveLength(0)
  })
})
