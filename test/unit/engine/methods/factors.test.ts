import { afterAll, describe, expect, it } from 'vitest'
import { LinearAlgebra } from '../../../../src/engine/graph/linearAlgebra'
import { type LoraFactors, projectionFactors, roundFactors } from '../../../../src/engine/methods/factors'
import { methodFor } from '../../../../src/engine/methods/registry'
import type { Matrix32 } from '../../../../src/engine/numerics/matrix'
import { METHODS } from '../../../../src/shared/methods'
import { correctionOf, emptyLayers, factorsOf, layers, problemOf, type TestLayer } from '../../../helpers/layerProblems'
import { allFinite, entry, largest, matrixOf, minus, norm, product, transpose } from '../../../helpers/matrices'

const algebra = new LinearAlgebra('cpu')
afterAll(() => algebra.release())

const layer = layers[1] as TestLayer
const problem = problemOf(algebra, layer)
const rank = 16

const rowNorms = (a: Matrix32): number[] =>
  Array.from({ length: a.rows }, (_, i) => norm(matrixOf(1, a.cols, (_, j) => entry(a, i, j))))
const columnNorms = (a: Matrix32): number[] =>
  Array.from({ length: a.cols }, (_, j) => norm(matrixOf(a.rows, 1, (i) => entry(a, i, j))))

/** The same layer with an error in the first columns alone, as of inputs that were pruned. */
const withColumns = (whole: TestLayer, count: number): TestLayer => ({
  ...whole,
  E: matrixOf(whole.E.rows, whole.E.cols, (i, j) => (j < count ? entry(whole.E, i, j) : 0))
})

describe('factors', () => {
  it('have the shapes that PEFT expects', async () => {
    const { loraA, loraB } = await factorsOf(problem, 'exact')
    expect(loraA).toMatchObject({ rows: rank, cols: 500 })
    expect(loraB).toMatchObject({ rows: 120, cols: rank })
  })

  it('multiply to the projection of the error', async () => {
    const U = await methodFor('exact').basis(problem, { rank, iterations: 0 })
    const projected = product(U, product(transpose(U), layer.E))
    const factors = await projectionFactors(problem, U, { rank, scaling: 0.25 })
    // Two factors rounded to 24 bits.
    expect(norm(minus(correctionOf(factors, 0.25), projected))).toBeLessThan(1e-6 * norm(projected))
  })

  it('correct by the same amount whatever the scaling', async () => {
    const [quarter, one, two] = await Promise.all(
      [0.25, 1, 2].map(async (scaling) => correctionOf(await factorsOf(problem, 'quailora', { scaling }), scaling))
    )
    for (const other of [quarter, two]) {
      expect(norm(minus(one as never, other as never))).toBeLessThan(1e-6 * norm(one as never))
    }
  })

  it('are balanced: each row of lora_A is as long as its column of lora_B, the longest first', async () => {
    const { loraA, loraB } = await factorsOf(problem, 'exact', { scaling: 0.25 })
    const [a, b] = [rowNorms(loraA), columnNorms(loraB)]
    for (let i = 0; i < rank; i++) expect(Math.abs((a[i] as number) / (b[i] as number) - 1)).toBeLessThan(1e-6)
    expect(b).toEqual([...b].sort((x, y) => y - x))
  })

  it('start as in plain LoRA where there is nothing to correct, so that gradients flow', async () => {
    for (const method of METHODS) {
      const { loraA, loraB } = await factorsOf(problemOf(algebra, emptyLayers[0] as TestLayer), method)
      expect(largest(loraB), method).toBe(0)
      const bound = 1 / Math.sqrt(200)
      expect(largest(loraA)).toBeLessThanOrEqual(bound)
      // Uniform numbers have a length of bound · √(200 / 3) = 0.577 with a spread of 0.02.
      for (const length of rowNorms(loraA)) expect(Math.abs(length - Math.sqrt(1 / 3))).toBeLessThan(0.15)
    }
  })

  it.each([
    { name: 'rows of zeros', few: layers[3] as TestLayer, filled: 18 },
    { name: 'columns of zeros', few: withColumns(layer, 6), filled: 6 }
  ])('fill ranks above the rank of an error with $name in the same way', async ({ few, filled }) => {
    const width = few.E.cols
    for (const method of METHODS.filter((name) => !methodFor(name).neutral && !methodFor(name).curvature)) {
      const { loraA, loraB } = await factorsOf(problemOf(algebra, few, { maxRank: 40 }), method, { rank: 40 })
      const [a, b] = [rowNorms(loraA), columnNorms(loraB)]
      expect(b.slice(0, filled).every((length) => length > 1e-3)).toBe(true)
      // Directions of rounding noise would have a row of 1e-13, and a gradient of lora_B that much smaller.
      expect(b.slice(filled), method).toEqual(Array(40 - filled).fill(0))
      for (const length of a.slice(filled)) {
        // As above: 0.577, with a spread that goes with the root of the width.
        expect(Math.abs(length - Math.sqrt(1 / 3)), method).toBeLessThan(2 / Math.sqrt(width))
      }
    }
  })

  it('give every method the same random rows', async () => {
    const of = async (method: 'zero' | 'svd') =>
      (await factorsOf(problemOf(algebra, emptyLayers[0] as TestLayer), method)).loraA
    expect((await of('svd')).data).toEqual((await of('zero')).data)
  })

  it.each(emptyLayers)('are finite on a layer with $name', async (empty) => {
    for (const method of METHODS) {
      const { loraA, loraB } = await factorsOf(problemOf(algebra, empty), method)
      expect(allFinite(loraA) && allFinite(loraB), method).toBe(true)
    }
  })

  it('are rounded to what a file of their dtype holds, once', async () => {
    const factors = await factorsOf(problem, 'exact')
    const bits = { float32: 2 ** -24, bfloat16: 2 ** -8, float16: 2 ** -11 }
    for (const dtype of ['float32', 'bfloat16', 'float16'] as const) {
      const rounded = roundFactors(factors, dtype)
      for (const side of ['loraA', 'loraB'] as const) {
        // Half a unit in the last place of the largest value bounds the error of all.
        expect(largest(minus(factors[side], rounded[side]))).toBeLessThanOrEqual(bits[dtype] * largest(factors[side]))
      }
      expect(same(roundFactors(rounded, dtype), rounded)).toBe(true)
      expect(same(rounded, factors)).toBe(dtype === 'float32')
    }
  })
})

const same = (a: LoraFactors, b: LoraFactors): boolean =>
  largest(minus(a.loraA, b.loraA)) === 0 && largest(minus(a.loraB, b.loraB)) === 0
