import { describe, expect, it } from 'vitest'
import type { PreparedLinear } from '../../../../src/engine/models/modelLinears'
import { foundRate, rateOf } from '../../../../src/engine/refine/learningRate'
import { adapterOf, TrainedLinear } from '../../../../src/engine/refine/trainedFactors'
import { Refinement } from '../../../../src/shared/refinement'
import { gaussianMatrix } from '../../../helpers/matrices'

const [OUT, IN, RANK] = [6, 10, 2]
const linear = { path: 'layers.0.q', name: 'q', outFeatures: OUT, inFeatures: IN } as PreparedLinear
const factors = {
  loraA: { ...gaussianMatrix(RANK, IN, 'A'), data: Float32Array.from(gaussianMatrix(RANK, IN, 'A').data) },
  loraB: { ...gaussianMatrix(OUT, RANK, 'B'), data: Float32Array.from(gaussianMatrix(OUT, RANK, 'B').data) }
}
const FROBENIUS = 3

const started = (scaling: number): TrainedLinear => {
  const trained = new TrainedLinear(
    linear,
    scaling,
    RANK,
    FROBENIUS,
    new Float32Array(TrainedLinear.size(linear, RANK))
  )
  trained.start(factors)
  return trained
}

/** B · A in float64. */
function product({ A, B }: ReturnType<typeof adapterOf>): number[] {
  return Array.from({ length: OUT * IN }, (_, at) => {
    const [i, j] = [Math.floor(at / IN), at % IN]
    let sum = 0
    for (let k = 0; k < RANK; k++) sum += (B.data[i * RANK + k] as number) * (A.data[k * IN + j] as number)
    return sum
  })
}

describe.each([1, 0.25, 8])('an adapter that learns, scaling %d', (scaling) => {
  it('computes what PEFT makes of its factors, and is stored as these', () => {
    const trained = started(scaling)
    const expected = product(adapterOf(factors, scaling))
    // Three roundings of float32 of each entry.
    for (const [i, value] of product(trained.adapter).entries()) expect(value).toBeCloseTo(expected[i] as number, 5)
    const { loraA, loraB } = trained.stored('float32')
    for (const [i, value] of loraA.data.entries()) expect(value).toBeCloseTo(factors.loraA.data[i] as number, 5)
    for (const [i, value] of loraB.data.entries()) expect(value).toBeCloseTo(factors.loraB.data[i] as number, 5)
  })

  it('moves its correction alike whatever the scaling is', () => {
    const trained = started(scaling)
    const before = product(trained.adapter)
    // Of the gradients only the sign counts in a first step: entries move by rate × typical size.
    const slope = trained.learn({ A: new Float32Array(RANK * IN).fill(-7), B: new Float32Array(OUT * RANK) })
    expect(product(trained.adapter)).toEqual(before)
    trained.move({ step: 1, rate: 0.5 })
    const typical = Math.sqrt(Math.sqrt(FROBENIUS / (OUT * IN * RANK))) * (OUT / IN) ** 0.25
    const moved = trained.adapter.A.data.map(
      (value, i) => value - Math.sqrt(scaling) * (factors.loraA.data[i] as number)
    )
    for (const value of moved) expect(value).toBeCloseTo(0.5 * typical, 5)
    // What such a step of rate 1 promises: each entry's gradient times its change.
    expect(slope).toBeCloseTo(RANK * IN * 7 * typical, 5)
    expect(product(trained.adapter)).not.toEqual(before)
  })
})

describe('the learning rate', () => {
  const settings = { steps: 48, learningRate: 0.5 }

  it('rises over the first tenth, falls to nothing, and is never zero', () => {
    const rates = Array.from({ length: 48 }, (_, i) => rateOf(i + 1, settings))
    expect(rates.indexOf(Math.max(...rates))).toBe(4)
    expect(rates[4]).toBe(0.5)
    expect(rates.slice(0, 5)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5].map((rate) => expect.closeTo(rate, 12)))
    for (let i = 5; i < 48; i++) expect(rates[i]).toBeLessThan(rates[i - 1] as number)
    expect(rates[47]).toBeGreaterThan(0)
    expect(rates[47]).toBeLessThan(0.001)
    expect(rateOf(1, { steps: 1, learningRate: 0.5 })).toBe(0.5)
  })

  it('promises nine tenths of the divergence where the recipe names none', () => {
    // LLaMA-shaped models: the trained sample at rank 16, and one of 135 million parameters at ranks 16 and 64.
    expect(foundRate({ divergence: 0.00309, slope: 0.0776 }, 96)).toBeCloseTo(0.0358, 4)
    expect(foundRate({ divergence: 0.0695, slope: 11.16 }, 96)).toBeCloseTo(0.0056, 4)
    expect(foundRate({ divergence: 0.0401, slope: 16.1 }, 96)).toBeCloseTo(0.00224, 5)
  })

  it('is smaller for few steps', () => {
    const gradient = { divergence: 0.07, slope: 11 }
    const rates = [1, 12, 24, 48].map((steps) => foundRate(gradient, steps))
    expect([...rates].sort((a, b) => a - b)).toEqual(rates)
    expect(foundRate(gradient, 48)).toBe(foundRate(gradient, 1000))
  })

  it.each([
    ['no gradient', 0, 0],
    ['a divergence below zero by rounding', -1e-9, 1e-7],
    ['a gradient that is not finite', 0.1, Number.POSITIVE_INFINITY],
    ['a gradient that is no number', 0.1, Number.NaN]
  ])('is a number that a recipe could name, of %s', (_, divergence, slope) => {
    expect(Refinement.safeParse({ learningRate: foundRate({ divergence, slope }, 96) }).success).toBe(true)
  })
})
