import { describe, expect, it } from 'vitest'
import { quantizer as nf4 } from '../../../../src/engine/quantizers/formats/nf4'
import type { QuantizerSpec } from '../../../../src/shared/recipe'

const plain: QuantizerSpec = { format: 'nf4', blockSize: 64, doubleQuantization: false }
const double: QuantizerSpec = { ...plain, doubleQuantization: true }
const weight = Float32Array.from({ length: 64 * 40 }, (_, i) => Math.sin(i * 12.9898) * (1 + (i >> 6) / 40))

describe('the nf4 quantizer', () => {
  it('keeps the raw absmax beside the nested one, and uses the nested one to dequantize', () => {
    const one = nf4.quantize(weight, plain)
    const two = nf4.quantize(weight, double)
    expect(two.absmax).toEqual(one.absmax)
    expect(two.packed).toEqual(one.packed)
    expect(one.nested).toBeUndefined()
    const raw = nf4.dequantize(one, weight.length, plain)
    const nested = nf4.dequantize(two, weight.length, double)
    expect(nested).not.toEqual(raw)
    // An absmax moves by at most half a step of the 8-bit map (0.7 % of the largest deviation from the mean).
    nested.forEach((value, i) => {
      expect(Math.abs(value - (raw[i] ?? 0))).toBeLessThan(0.008)
    })
  })

  it('writes into a larger buffer when one is given', () => {
    const quantized = nf4.quantize(weight, plain)
    const target = new Float32Array(weight.length + 10).fill(9)
    const values = nf4.dequantize(quantized, weight.length, plain, target)
    expect(values.buffer).toBe(target.buffer)
    expect(values.length).toBe(weight.length)
    expect(target[weight.length]).toBe(9)
  })

  it('refuses a NaN and says where it is', () => {
    const bad = weight.slice()
    bad[777] = Number.NaN
    expect(() => nf4.quantize(bad, plain)).toThrow('element 777 is NaN; only finite weights can be quantized')
  })
})
