import { afterAll, describe, expect, it } from 'vitest'
import { LinearAlgebra } from '../../../../src/engine/graph/linearAlgebra'
import { projectionFactors, roundFactors } from '../../../../src/engine/methods/factors'
import { layerError } from '../../../../src/engine/methods/layerError'
import { LayerProblem } from '../../../../src/engine/methods/layerProblem'
import { SecondMoment } from '../../../../src/engine/methods/secondMoment'
import { histogram } from '../../../../src/engine/numerics/histogram'
import { toFloat32 } from '../../../../src/engine/numerics/matrix'
import { errorHistogram, inputChannels } from '../../../../src/engine/solve/layerDetails'
import { layers } from '../../../helpers/layerProblems'
import { entry, gaussianMatrix, matrixOf } from '../../../helpers/matrices'

const algebra = new LinearAlgebra('cpu')
afterAll(() => algebra.release())

// The last layer is nearly all zeros: its errors lie beyond 4 standard deviations, in the outermost bins.
const spread = layers.slice(0, 3)

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)

/** Σ count · centre², which a fine histogram shares with ‖E‖² but for half a bin. */
function squares(counts: readonly number[], range: number): number {
  const width = (2 * range) / counts.length
  return counts.reduce((total, count, k) => total + count * (-range + (k + 0.5) * width) ** 2, 0)
}

describe('errorHistogram', () => {
  it.each(spread)('counts every value of E, and of what the adapter leaves: $name', async ({ name, E, H }) => {
    const problem = new LayerProblem(algebra, name, E, new SecondMoment(H), { maxRank: 8, seed: 0 })
    const scaling = 2
    const computed = await projectionFactors(problem, await problem.leading('none', 8), { rank: 8, scaling })
    const factors = roundFactors(computed, 'float32')
    const { range, before, after } = await errorHistogram(problem, factors, scaling)
    expect([sum(before), sum(after)]).toEqual([E.data.length, E.data.length])
    const { frobenius } = await layerError(problem, factors, scaling)
    expect(squares(before, range) / problem.frobeniusRank0).toBeCloseTo(1, 1)
    // Rank 8 of the plain error removes more than a bin is wide: equal histograms would fail here.
    expect(squares(after, range) / frobenius).toBeCloseTo(1, 1)
    expect(after).not.toEqual(before)
  })

  it('counts rows that lie evenly where a linear has more than a million weights', async () => {
    const [rows, cols] = [1300, 900]
    const E = gaussianMatrix(rows, cols, 'large')
    const H = matrixOf(cols, cols, (i, j) => (i === j ? 1 : 0))
    const problem = new LayerProblem(algebra, 'large', E, new SecondMoment(H), { maxRank: 2, seed: 0 })
    const loraA = toFloat32(gaussianMatrix(2, cols, 'A'))
    const loraB = toFloat32(gaussianMatrix(rows, 2, 'B'))
    const { range, before, after } = await errorHistogram(problem, { loraA, loraB }, 0.5)
    const counted = (value: (i: number, j: number) => number) =>
      histogram(matrixOf(rows / 2, cols, (i, j) => value(2 * i, j)).data, range, before.length)
    expect(before).toEqual(counted((i, j) => entry(E, i, j)))
    const product = (i: number, j: number) =>
      entry(loraB, i, 0) * entry(loraA, 0, j) + entry(loraB, i, 1) * entry(loraA, 1, j)
    const expected = counted((i, j) => entry(E, i, j) - 0.5 * product(i, j))
    // The product is rounded to float32: of half a million values some lie so near to an edge that they change their bin.
    const moved = after.reduce((total, count, k) => total + Math.abs(count - (expected[k] as number)), 0)
    expect(moved).toBeLessThan(20)
    expect(sum(after)).toBe((rows / 2) * cols)
  })

  it('puts a linear without error into the middle bin', async () => {
    const { name, H } = layers[0]!
    const E = { data: new Float64Array(300 * 200), rows: 300, cols: 200 }
    const problem = new LayerProblem(algebra, name, E, new SecondMoment(H), { maxRank: 2, seed: 0 })
    const loraA = { data: new Float32Array(400), rows: 2, cols: 200 }
    const loraB = { data: new Float32Array(600), rows: 300, cols: 2 }
    const { before, after } = await errorHistogram(problem, { loraA, loraB }, 1)
    expect(before[20]).toBe(60_000)
    expect(after).toEqual(before)
  })
})

describe('inputChannels', () => {
  it('names the channels with the most energy, and the mean that they stand out from', () => {
    const energies = [1, 9, 2, 30, 2, 0, 0, 0, 0, 6]
    const H = { data: new Float64Array(100), rows: 10, cols: 10 }
    for (const [i, energy] of energies.entries()) H.data[i * 11] = energy
    const { mean, top } = inputChannels(new SecondMoment(H))
    expect(mean).toBe(5)
    expect(top.map(({ index }) => index)).toEqual([3, 1, 9, 2, 4, 0, 5, 6])
    expect(top[0]?.value).toBe(30)
  })
})
