import { describe, expect, it } from 'vitest'
import { addInto, difference, mirrorUpper, scaleInto } from '../../src/engine/numerics/accumulate'
import {
  concatColumns,
  diagonalOf,
  firstNonFinite,
  identity64,
  innerProduct,
  type Matrix64,
  normalizedColumns,
  scaleColumns,
  scaleRows,
  sliceColumns,
  squaredNorm,
  subtract,
  symmetrized,
  toFloat32,
  toFloat64,
  transposed,
  zeros64
} from '../../src/engine/numerics/matrix'

import { matrixOf } from '../helpers/matrices'

const matrix = (...rows: number[][]): Matrix64 => ({
  data: Float64Array.from(rows.flat()),
  rows: rows.length,
  cols: rows[0]?.length ?? 0
})
const A = matrix([1, 2, 3], [4, 5, 6])

describe('matrices', () => {
  it('begin as zeros or as the identity', () => {
    expect(zeros64(2, 3)).toEqual(matrix([0, 0, 0], [0, 0, 0]))
    expect(identity64(2)).toEqual(matrix([1, 0], [0, 1]))
  })

  it('change their precision, and keep their memory where nothing changes', () => {
    expect(toFloat32(matrix([1 / 3])).data).toEqual(Float32Array.of(1 / 3))
    expect(toFloat64(toFloat32(A))).toEqual(A)
    expect(toFloat64(A).data).toBe(A.data)
  })

  it('are cut and joined by columns', () => {
    expect(sliceColumns(A, 1, 3)).toEqual(matrix([2, 3], [5, 6]))
    expect(sliceColumns(A, 1, 1)).toMatchObject({ rows: 2, cols: 0 })
    expect(concatColumns([sliceColumns(A, 2, 3), sliceColumns(A, 0, 2)])).toEqual(matrix([3, 1, 2], [6, 4, 5]))
  })

  it('are scaled by columns and rows in place', () => {
    const B = matrix([1, 2], [3, 4])
    expect(scaleColumns(B, [2, 10])).toBe(B)
    expect(B).toEqual(matrix([2, 20], [6, 40]))
    expect(scaleRows(B, [1, 0.5])).toEqual(matrix([2, 20], [3, 20]))
  })

  it('have a transpose, a diagonal and a symmetric part', () => {
    expect(transposed(A)).toEqual(matrix([1, 4], [2, 5], [3, 6]))
    expect(transposed(toFloat32(A)).data).toBeInstanceOf(Float32Array)
    expect([...diagonalOf(matrix([1, 2], [3, 4]))]).toEqual([1, 4])
    expect(symmetrized(matrix([1, 2], [4, 3]))).toEqual(matrix([1, 3], [3, 3]))
  })

  it.each([
    [7, 300],
    [8, 256],
    [17, 259],
    [300, 3]
  ])('[%i, %i] have each entry of their transpose where it belongs', (rows, cols) => {
    const B = matrixOf(rows, cols, (i, j) => 1000 * i + j)
    expect(transposed(B)).toEqual(matrixOf(cols, rows, (i, j) => 1000 * j + i))
  })

  it('have inner products and norms, summed in float64', () => {
    expect(innerProduct(Float32Array.of(1, 2), Float32Array.of(3, 4))).toBe(11)
    expect(innerProduct(Float64Array.of(1, 2, 3, 4, 5, 6), Float64Array.of(1, 10, 100, 1e3, 1e4, 1e5))).toBe(654321)
    expect(squaredNorm(Float32Array.of(2 ** 12, 2 ** -12))).toBe(2 ** 24 + 2 ** -24) // float32 would lose the second
    expect(subtract(A, matrix([1, 1, 1], [1, 1, 1]))).toEqual(matrix([0, 1, 2], [3, 4, 5]))
  })

  it('normalize their columns and leave out those that are too short', () => {
    const B = matrix([3, 0, 1e-14], [4, 0, 0])
    expect(normalizedColumns(B)).toEqual(matrix([0.6, 1], [0.8, 0]))
    expect(normalizedColumns(B, 1e-13)).toEqual(matrix([0.6], [0.8]))
  })
})

describe('the first value that is not finite', () => {
  it('is found wherever it lies', () => {
    expect(firstNonFinite(Float32Array.of(0, -0, 3.4e38, -3.4e38))).toBe(-1)
    expect(firstNonFinite(new Float32Array(0))).toBe(-1)
    expect(firstNonFinite(Float32Array.of(1, Number.NaN, 2))).toBe(1)
    expect(firstNonFinite(Float64Array.of(1, 2, Number.NEGATIVE_INFINITY))).toBe(2)
    // Opposite infinities must not cancel.
    expect(firstNonFinite(Float64Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY))).toBe(0)
  })
})

describe('accumulation', () => {
  it('adds float32 values up in float64, at a row and a column', () => {
    const sum = { data: new Float64Array(9).fill(1), rows: 3, cols: 3 }
    const part = { data: Float32Array.of(2 ** -40, 2, 0, 5), rows: 2, cols: 2 }
    for (let i = 0; i < 3; i++) addInto(sum, part, 0, 1)
    expect([...sum.data]).toEqual([1, 1 + 3 * 2 ** -40, 7, 1, 1, 16, 1, 1, 1])
    scaleInto(sum.data, 0.5)
    expect(sum.data[2]).toBe(3.5)
  })

  it.each([1, 7, 8, 9, 32, 75])('mirrors the upper triangle of a matrix of size %i, and scales it', (n) => {
    const entry = (i: number, j: number): number => 100 * Math.min(i, j) + Math.max(i, j)
    const upper = (): Matrix64 => matrixOf(n, n, (i, j) => (i <= j ? entry(i, j) : Number.NaN))
    const [mirrored, scaled] = [upper(), upper()]
    mirrorUpper(mirrored)
    mirrorUpper(scaled, 0.25)
    expect(mirrored).toEqual(matrixOf(n, n, entry))
    expect(scaled).toEqual(matrixOf(n, n, (i, j) => entry(i, j) / 4))
  })

  it('subtracts near values exactly', () => {
    const [a, b] = [Math.fround(0.1), Math.fround(0.11)]
    expect(difference(Float32Array.of(a), Float32Array.of(b))[0]).toBe(a - b)
  })
})
