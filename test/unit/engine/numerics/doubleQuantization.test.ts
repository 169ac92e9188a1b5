import { describe, expect, it } from 'vitest'
import { dequantizeAbsmax, quantizeAbsmax } from '../../../../src/engine/numerics/doubleQuantization'

describe('double quantization', () => {
  it('gives the published example', () => {
    const nested = quantizeAbsmax(Float32Array.of(0.5, 0.25, 0.125, 0.75, 0.3125))
    expect([...nested.codes]).toEqual([205, 44, 19, 255, 56])
    // The example sums its mean sequentially in float32: one ulp of 0.39 is 3e-8.
    expect(nested.offset).toBeCloseTo(0.38749998807907104, 7)
    const values = dequantizeAbsmax(nested)
    const expected = [0.49766600131988525, 0.25184568762779236, 0.12440428137779236, 0.75, 0.3130175769329071]
    expected.forEach((value, i) => {
      expect(values[i]).toBeCloseTo(value, 6)
    })
  })

  it('uses one nested absmax for each 256 values', () => {
    const absmax = Float32Array.from({ length: 600 }, (_, i) => (i < 256 ? 1 : i < 512 ? 2 + (i % 7) / 100 : 3))
    const nested = quantizeAbsmax(absmax)
    expect(nested.absmax.length).toBe(3)
    // The largest deviation of a block sits on ±1 of the map, or on the level 0.993 for the negative side.
    dequantizeAbsmax(nested).forEach((value, i) => {
      expect(Math.abs(value - (absmax[i] ?? 0))).toBeLessThan(0.01 * (nested.absmax[Math.floor(i / 256)] ?? 0) + 1e-6)
    })
  })

  it('gives finite values when all absmax are equal, and for none', () => {
    expect([...dequantizeAbsmax(quantizeAbsmax(new Float32Array(5).fill(0.5)))]).toEqual([0.5, 0.5, 0.5, 0.5, 0.5])
    expect(dequantizeAbsmax(quantizeAbsmax(new Float32Array(0))).length).toBe(0)
  })
})
