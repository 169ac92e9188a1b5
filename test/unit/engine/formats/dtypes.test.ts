import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  bfloat16ToFloat32,
  decodeFloats,
  dtypeBytes,
  encodeFloats,
  FLOAT_DTYPES,
  firstNonFiniteStored,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
  isDtype
} from '../../../../src/engine/formats/dtypes'
import { firstNonFinite } from '../../../../src/engine/numerics/matrix'

const everyHalf = Uint16Array.from({ length: 65536 }, (_, i) => i)

const fromBits = (bits: readonly number[]): Float32Array => new Float32Array(Uint32Array.from(bits).buffer)
const bitsOf = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer, values.byteOffset, values.length)

/** SHA-256 of the values with NaN as zero, since the payload of a NaN is nobody's contract. */
const digest = (values: Float32Array): string =>
  createHash('sha256')
    .update(new Uint8Array(values.map((value) => (Number.isNaN(value) ? 0 : value)).buffer))
    .digest('hex')

const widen = (convert: typeof float16ToFloat32, halves: Uint16Array): Float32Array => {
  const values = new Float32Array(halves.length)
  convert(halves, values)
  return values
}

describe('widening', () => {
  it('gives the float32 of torch for every float16 and every bfloat16', () => {
    // torch 2.13.0: torch.arange(65536).to(torch.int16).view(dtype).float(), NaN replaced by 0, SHA-256 of the bytes
    expect(digest(widen(float16ToFloat32, everyHalf))).toBe(
      'faa6d965574036872b0d39a42d1f8bee361d5be92b1e718155a69556a5abacdd'
    )
    expect(digest(widen(bfloat16ToFloat32, everyHalf))).toBe(
      '2950e27364395060b01ae85b45dd15a2ab8891f6ee8b0af2b541dbda5524d0b4'
    )
  })

  it('writes only as many values as it was given, into the part of an array that it was given', () => {
    const target = new Float32Array(4).fill(9)
    bfloat16ToFloat32(Uint16Array.of(0x3f80, 0x4000), target.subarray(1, 4))
    expect([...target]).toEqual([9, 1, 2, 9])
  })
})

describe.each([
  { name: 'float16', widen: float16ToFloat32, narrow: float32ToFloat16, infinity: 0x7c00, beyondLargest: 65536 },
  { name: 'bfloat16', widen: bfloat16ToFloat32, narrow: float32ToBfloat16, infinity: 0x7f80, beyondLargest: 2 ** 128 }
])('rounding to $name', (format) => {
  const finite = everyHalf.subarray(0, format.infinity)
  const values = widen(format.widen, finite)
  /** The exact middle between a value and the next larger one: representable in float32 for both formats. */
  const middles = values.map((value, i) => (value + (values[i + 1] ?? format.beyondLargest)) / 2)
  const expectRounded = (input: Float32Array, expected: (half: number) => number) => {
    const wanted = finite.map(expected)
    expect(format.narrow(input)).toEqual(wanted)
    expect(format.narrow(input.map((value) => -value))).toEqual(wanted.map((half) => half | 0x8000))
  }

  it('keeps every value of the format', () => {
    expectRounded(values, (half) => half)
  })

  it('sends every middle between two values to the even one, beyond the largest to infinity', () => {
    expectRounded(middles, (half) => (half % 2 === 0 ? half : half + 1))
  })

  it('sends the float32 just below and just above every middle to the nearer one', () => {
    expectRounded(fromBits([...bitsOf(middles)].map((bits) => bits - 1)), (half) => half)
    expectRounded(fromBits([...bitsOf(middles)].map((bits) => bits + 1)), (half) => half + 1)
  })

  it('keeps infinities, signed zeros, and NaN whatever its payload', () => {
    expect([...format.narrow(Float32Array.of(Infinity, -Infinity, 0, -0))]).toEqual([
      format.infinity,
      format.infinity | 0x8000,
      0,
      0x8000
    ])
    const nans = format.narrow(fromBits([0x7fc00000, 0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff]))
    expect([...widen(format.widen, nans)].every(Number.isNaN)).toBe(true)
  })

  it('sends float32 subnormals to a zero of their sign, or to the nearest subnormal', () => {
    const expected = format.name === 'float16' ? [0, 0x8000] : [0x007f, 0x807f]
    expect([...format.narrow(fromBits([0x007f0000, 0x807f0000]))]).toEqual(expected)
  })
})

describe('firstNonFinite', () => {
  it('finds a NaN of any payload and an infinity of any sign, and nothing else', () => {
    const largest = 3.4028234663852886e38
    expect(firstNonFinite(Float32Array.of(0, -0, largest, -largest, 1e-45))).toBe(-1)
    expect(firstNonFinite(new Float32Array(0))).toBe(-1)
    for (const bits of [0x7f800000, 0xff800000, 0x7f800001, 0xffc00000]) {
      expect(firstNonFinite(fromBits([0, 0x3f800000, bits, bits]))).toBe(2)
    }
  })

  it('finds it at every place of an array of every length, in both precisions', () => {
    for (let length = 1; length <= 9; length++) {
      for (let at = 0; at < length; at++) {
        for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY]) {
          const values = Array.from({ length }, (_, i) => (i === at ? bad : 3 - i))
          expect(firstNonFinite(Float32Array.from(values))).toBe(at)
          expect(firstNonFinite(Float64Array.from(values))).toBe(at)
        }
      }
    }
  })
})

describe('firstNonFiniteStored', () => {
  it.each(['BF16', 'F16'] as const)('agrees with the decoded value for every bit pattern of %s', (dtype) => {
    const decoded = new Float32Array(1)
    for (let bits = 0; bits < 65536; bits++) {
      const stored = new Uint8Array(Uint16Array.of(bits).buffer)
      decodeFloats(stored, dtype, decoded)
      if (firstNonFiniteStored(stored, dtype) !== firstNonFinite(decoded)) throw new Error(`bits ${bits}`)
    }
  })

  it('finds the first NaN or infinity in F32, of any sign and payload', () => {
    const finite = [0, -0, 3.4e38, -3.4e38, 1e-45, 1]
    const stored = (values: number[]) => encodeFloats(Float32Array.from(values), 'F32')
    expect(firstNonFiniteStored(stored(finite), 'F32')).toBe(-1)
    expect(firstNonFiniteStored(new Uint8Array(0), 'F32')).toBe(-1)
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(firstNonFiniteStored(stored([...finite, bad, 1, bad]), 'F32')).toBe(6)
    }
    expect(firstNonFiniteStored(new Uint8Array(Uint32Array.of(0, 0xff800001).buffer), 'F32')).toBe(1)
  })
})

describe('stored elements', () => {
  it.each(FLOAT_DTYPES)('survive a round trip as %s when the format can hold them', (dtype) => {
    const values = Float32Array.of(0, 1, -1.5, 0.0078125, 240)
    const stored = encodeFloats(values, dtype)
    const read = new Float32Array(values.length)
    decodeFloats(stored, dtype, read)
    expect(stored.byteLength).toBe(values.length * dtypeBytes(dtype))
    expect(read).toEqual(values)
  })

  it('have names that come from the format, not from Object', () => {
    expect(isDtype('F8_E4M3')).toBe(true)
    expect(isDtype('toString')).toBe(false)
    expect(dtypeBytes('F4')).toBe(0.5)
  })
})
