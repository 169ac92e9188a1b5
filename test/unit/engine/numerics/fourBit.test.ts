import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { dequantizeFourBit, fourBitTable, quantizeFourBit } from '../../../../src/engine/numerics/fourBit'
import { NF4_LEVELS } from '../../../../src/engine/quantizers/formats/nf4'

const nf4 = fourBitTable(NF4_LEVELS)

const sha256 = (values: Float32Array): string =>
  createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex')

/** The definition, one comparison after the other. */
const codeByCounting = (x: number): number => nf4.thresholds.filter((threshold) => threshold < x).length

const quantize = (weight: Float32Array, blockSize: number) => {
  const packed = new Uint8Array(Math.ceil(weight.length / 2))
  const absmax = new Float32Array(Math.ceil(weight.length / blockSize))
  const badBlock = quantizeFourBit(weight, blockSize, nf4, packed, absmax)
  return { packed, absmax, badBlock }
}
const codesOf = (packed: Uint8Array): number[] => [...packed].flatMap((byte) => [byte >> 4, byte & 15])

/** The float32 before, at and after a value. */
const neighbours = (value: number): number[] => {
  const float = Float32Array.of(value)
  const bits = new Int32Array(float.buffer)
  const center = bits[0] as number
  if (center === 0) return [-(2 ** -149), 0, 2 ** -149]
  return [-1, 0, 1].map((step) => {
    bits[0] = center + step
    return float[0] as number
  })
}

describe('the NF4 table', () => {
  it('is the one of bitsandbytes', () => {
    expect(sha256(NF4_LEVELS)).toBe('8501941daa1b8a90ad1bbfeb632e5101b5dddbc4bb52d6e55abcfd777e60c06a')
  })

  it('has the thresholds of bitsandbytes, to the bit', () => {
    expect([...nf4.thresholds]).toEqual([
      -0.8480963706970215, -0.6106328964233398, -0.4599952697753906, -0.33967941999435425, -0.23460739850997925,
      -0.13791173696517944, -0.045525018125772476, 0.03979014977812767, 0.120255246758461, 0.2035212516784668,
      0.2920137643814087, 0.3893125355243683, 0.5016634464263916, 0.6427869200706482, 0.8614784479141235
    ])
  })
})

describe('quantizing to NF4', () => {
  it('gives the published bytes for a known ramp', () => {
    const weight = Float32Array.from({ length: 128 }, (_, i) => {
      const value = (((i * 37) % 129) - 64) / 64
      return i < 64 ? value : value * 0.25
    })
    const { packed, absmax } = quantize(weight, 64)
    expect([...absmax]).toEqual([1, 0.25])
    expect(Buffer.from(packed).toString('hex')).toBe(
      '039e16c039e16c039e16c039e16c03ae16d03ae16d04ae27d04ae27d04ae27d0' +
        '4bf27d14bf27d14bf28d15bf28d15bf28e15bf28e15cf28e15cf39e15cf39e15'
    )
  })

  it('counts thresholds exactly, right beside every threshold and in between', () => {
    // With an absmax of 1 the ratio is the weight itself.
    const ratios = [
      ...[...nf4.thresholds].flatMap(neighbours),
      ...Array.from({ length: 4001 }, (_, i) => Math.fround(i / 2000 - 1)),
      // Both sides of every edge of the look-up's buckets.
      ...Array.from({ length: 4095 }, (_, i) => neighbours((i + 1) / 2048 - 1)).flat(),
      0,
      -0,
      1e-30,
      -1e-30
    ]
    const weight = Float32Array.from(ratios.flatMap((ratio) => [1, ratio, ...new Array(30).fill(0)]))
    const codes = codesOf(quantize(weight, 32).packed)
    expect(ratios.map((_, i) => codes[i * 32 + 1])).toEqual(ratios.map(codeByCounting))
  })

  it('gives an all-zero block the code of zero', () => {
    const { packed, absmax } = quantize(new Float32Array(64), 64)
    expect([...new Set(packed)]).toEqual([0x77])
    expect(absmax[0]).toBe(0)
  })

  it('divides in a trailing partial block and pads an odd count with the code of zero', () => {
    const weight = Float32Array.from({ length: 67 }, (_, i) => (i < 64 ? 1 : 3 * (i - 65)))
    const { packed, absmax } = quantize(weight, 64)
    expect([...absmax]).toEqual([1, 3])
    expect([...packed.subarray(32)]).toEqual([0x07, 0xf7])
  })

  it('tells the block of a NaN or an infinity, and of none other', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const weight = new Float32Array(200).fill(3.4e38)
      expect(quantize(weight, 64).badBlock).toBe(-1)
      weight[130] = bad
      expect(quantize(weight, 64).badBlock).toBe(2)
    }
  })

  it('reads a weight that starts in the middle of its buffer', () => {
    const whole = Float32Array.from({ length: 65 }, (_, i) => Math.sin(i))
    expect(quantize(whole.subarray(1), 64)).toEqual(quantize(whole.slice(1), 64))
  })
})

describe('dequantizing NF4', () => {
  it('returns level times absmax, rounded to float32, up to an odd last element', () => {
    const absmax = Float32Array.of(0.3, 7)
    const packed = Uint8Array.from({ length: 18 }, (_, i) => (i * 29) & 255)
    const target = new Float32Array(35)
    dequantizeFourBit(packed, absmax, 32, nf4, target)
    const codes = codesOf(packed)
    const expected = Array.from(target, (_, i) =>
      Math.fround((NF4_LEVELS[codes[i] ?? 0] ?? 0) * (absmax[i < 32 ? 0 : 1] ?? 0))
    )
    expect([...target]).toEqual(expected)
  })
})
