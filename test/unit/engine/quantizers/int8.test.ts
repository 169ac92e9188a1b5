import { describe, expect, it } from 'vitest'
import { float16ToFloat32, float32ToFloat16 } from '../../../../src/engine/formats/dtypes'
import { GraphBuilder } from '../../../../src/engine/graph/graphBuilder'
import { GraphSession } from '../../../../src/engine/graph/session'
import { quantizer as int8 } from '../../../../src/engine/quantizers/formats/int8'
import { roundToHalf } from '../../../../src/engine/quantizers/int8Inputs'
import { QuantizerSpec } from '../../../../src/shared/recipe'

const spec = QuantizerSpec.parse({ format: 'int8' })
const codesOf = (packed: Uint8Array): number[] => [...new Int8Array(packed.buffer)]

describe('quantizing to int8', () => {
  it('scales each row by its own largest magnitude', () => {
    const { packed, absmax } = int8.quantize(Float32Array.of(1, -0.25, 0, 100, -200, 50), spec, 3)
    expect([...absmax]).toEqual([1, 200])
    expect(codesOf(packed)).toEqual([127, -32, 0, 64, -127, 32])
  })

  it('takes the even of two equally near codes', () => {
    const { packed } = int8.quantize(Float32Array.of(127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5), spec, 7)
    expect(codesOf(packed)).toEqual([127, 0, 2, 2, 0, -2, -2])
  })

  it('comes within half a step of every weight once it is rounded to float16', () => {
    const weight = Float32Array.from({ length: 640 }, (_, i) => Math.sin(i * 12.9898) * 10 ** ((i % 7) - 3))
    const quantized = int8.quantize(weight, spec, 64)
    const values = int8.dequantize(quantized, weight.length, spec)
    weight.forEach((w, i) => {
      const scale = quantized.absmax[Math.floor(i / 64)] as number
      // Half a step, the rounding to float16 (2^-11 relative), and that of the float32 products (2^-22 of the largest).
      const bound = scale / 254 + Math.abs(w) * 2 ** -11 + 2 ** -25 + scale * 2 ** -22
      expect(Math.abs(w - (values[i] as number))).toBeLessThanOrEqual(bound)
    })
  })

  it('gives a row of zeros, or of what float16 has no number for, zeros', () => {
    const { packed, absmax } = int8.quantize(Float32Array.of(0, -0, 1e-9, -1e-9), spec, 2)
    expect([...absmax]).toEqual([0, 0])
    expect(codesOf(packed)).toEqual([0, 0, 0, 0])
    expect([...int8.dequantize({ packed, absmax }, 4, spec)]).toEqual([0, 0, 0, 0])
  })

  it('refuses what is not finite, and what float16 cannot hold, and says where it is', () => {
    const weight = new Float32Array(100).fill(1)
    weight[77] = Number.NaN
    expect(() => int8.quantize(weight, spec, 10)).toThrow('element 77 is NaN; only finite weights can be quantized')
    weight[77] = -70000
    expect(() => int8.quantize(weight, spec, 10)).toThrow(/element 77 is -70000; int8 rounds .* no more than 65504/)
  })

  it('writes into a longer target', () => {
    const quantized = int8.quantize(Float32Array.of(1, -1), spec, 2)
    const target = new Float32Array(4).fill(9)
    expect([...int8.dequantize(quantized, 2, spec, target)]).toEqual([1, -1])
    expect([...target]).toEqual([1, -1, 9, 9])
  })
})

const bitsOf = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0] as number

/** So many consecutive float32. */
function consecutive(from: number, count: number): Float32Array {
  const bits = new Int32Array(count)
  for (let i = 0, first = bitsOf(from); i < count; i++) bits[i] = first + i
  return new Float32Array(bits.buffer)
}

/** Below 2⁻¹⁴, where float16 has even steps: every half of one, with the float32 beside it. */
const halfSteps = (): Float32Array =>
  Float32Array.from(
    Array.from({ length: 2048 }, (_, i) => [
      ...consecutive((1 + i) * 2 ** -25, 2),
      (1 + i) * 2 ** -25 * (1 - 2 ** -24)
    ]).flat()
  )

describe('rounding to float16 in float32', () => {
  // All else that float16 holds is a multiple of the first by a power of two.
  it.each([
    ['from 1 to 2', () => consecutive(1, 2 ** 23)],
    ['from 2^-14 to 2^-13', () => consecutive(2 ** -14, 2 ** 23)],
    ['below, at and beside each half step', halfSteps]
  ])('is that of the conversion, %s', async (_, make) => {
    const values = make()
    const count = values.length
    const g = new GraphBuilder()
    g.output('half', roundToHalf(g, g.input('x', ['n'])), ['n'])
    const session = await GraphSession.create(g.build(), 'cpu')
    const { half } = await session.run({ x: { data: values, shape: [count] } })
    await session.release()
    const expected = new Float32Array(count)
    float16ToFloat32(float32ToFloat16(values), expected)
    const wrong = expected.findIndex((value, i) => value !== half?.data[i])
    expect([wrong, values[wrong]]).toEqual([-1, undefined])
  })
})
