import { describe, expect, it } from 'vitest'
import type { PreparedLinear } from '../../../../src/engine/models/modelLinears'
import { defaultRate, rateOf } from '../../../../src/engine/refine/learningRate'
import { adapterOf, TrainedLinear } from '../../../../src/engine/refine/trainedFactors'
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
    trained.learn({ A: new Float32Array(RANK * IN).fill(-7), B: new Float32Array(OUT * RANK) }, { step: 1, rate: 0.5 })
    const typical = Math.sqrt(Math.sqrt(FROBENIUS / (OUT * IN * RANK))) * (OUT / IN) ** 0.25
    const moved = trained.adapter.A.data.map(
      (value, i) => value - Math.sqrt(scaling) * (factors.loraA.data[i] as number)
    )
    for (const value of moved) expect(value).toBeCloseTo(0.5 * typical, 5)
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

  it('is smaller for larger ranks', () => {
    const rates = [1, 4, 8, 16, 32, 64, 128].map((rank) => defaultRate(rank, 96))
    expect([...rates].sort((a, b) => b - a)).toEqual(rates)
    expect(defaultRate(16, 96)).toBe(0.035)
  })

  it('is smaller for few steps', () => {
    const rates = [1, 12, 24, 48].map((steps) => defaultRate(16, steps))
    expect([...rates].sort((a, b) => a - b)).toEqual(rates)
    expect(defaultRate(16, 48)).toBe(defaultRate(16, 1000))
  })
})
