import { describe, expect, it } from 'vitest'
import { FP4_LEVELS, quantizer as fp4 } from '../../../../src/engine/quantizers/formats/fp4'
import { BLOCK_SIZES } from '../../../../src/shared/quantizers'
import type { QuantizerSpec } from '../../../../src/shared/recipe'

const spec = (blockSize: QuantizerSpec['blockSize'] = 64): QuantizerSpec => ({
  format: 'fp4',
  blockSize,
  doubleQuantization: false
})

/** Magnitudes of the codes 0 to 7 in twelfths, in ascending order of magnitude: bitsandbytes' table. */
const ASCENDING = [0, 1, 6, 7, 4, 5, 2, 3]

/** float32 midpoints between neighbours of that order, as bitsandbytes' CPU backend has them (0.50). */
const MIDPOINTS = [
  0.0026041667442768812, 0.0859375, 0.2083333432674408, 0.2916666865348816, 0.4166666865348816, 0.5833333730697632,
  0.8333333730697632
]

/** CUDA's constants in their place. */
const CUDA = [
  0.0026041700039058924, 0.0859375, 0.2083333283662796, 0.2916666567325592, 0.4166666865348816, 0.5833330154418945,
  0.8333333134651184
]

/** CUDA's rule: by magnitude, a tie takes the smaller one, and the sign is that of x. */
const codeOnCuda = (x: number): number =>
  (x < 0 ? 8 : 0) + (ASCENDING[CUDA.filter((threshold) => threshold < Math.abs(x)).length] as number)

/** The code of each ratio: every block of 32 begins with 1, so that its absmax is 1 and a ratio is the weight itself. */
function codesOf(ratios: readonly number[]): number[] {
  const weight = Float32Array.from(ratios.flatMap((ratio) => [1, ratio, ...new Array(30).fill(0)]))
  const { packed } = fp4.quantize(weight, spec(32))
  return ratios.map((_, i) => (packed[i * 16] as number) & 15)
}

/** The float32 just above or below in magnitude. */
function beside(value: number, step: 1 | -1): number {
  const float = Float32Array.of(value)
  const bits = new Int32Array(float.buffer)
  bits[0] = (bits[0] as number) + step
  return float[0] as number
}

const levelOf = (code: number): number => FP4_LEVELS[code] as number

describe('the FP4 table', () => {
  it('has the bits of bitsandbytes in the order of the codes, and no negative zero', () => {
    const bits = [0, 0x3baaaaab, 0x3f2aaaab, 0x3f800000, 0x3eaaaaab, 0x3f000000, 0x3e2aaaab, 0x3e800000]
    const negative = bits.map((pattern) => (pattern === 0 ? 0 : pattern + 0x80000000))
    expect([...new Uint32Array(FP4_LEVELS.buffer)]).toEqual([...bits, ...negative])
  })
})

describe('a ratio on a threshold', () => {
  it.each(MIDPOINTS.map((threshold, i) => [threshold, ASCENDING[i] as number, ASCENDING[i + 1] as number]))(
    '%f takes the lower level: the smaller magnitude above zero, the larger one below',
    (threshold, smaller, larger) => {
      // Zero has two codes: 8 just above zero.
      const small = smaller === 0 ? 8 : smaller
      expect(codesOf([beside(threshold, -1), threshold, beside(threshold, 1)])).toEqual([small, small, larger])
      const below = smaller === 0 ? 0 : smaller + 8
      const ratios = [beside(-threshold, -1), -threshold, beside(-threshold, 1)]
      expect(codesOf(ratios)).toEqual([below, larger + 8, larger + 8])
    }
  )

  it('at zero takes code 0; above it lies code 8', () => {
    expect(codesOf([0, -0, -1e-30, 1e-30, 2 ** -149])).toEqual([0, 0, 0, 8, 8])
  })

  it('is the only place, beside the few ulps of other constants, where CUDA gets another value', () => {
    const between = (x: number, a: number, b: number): boolean => x >= Math.min(a, b) && x <= Math.max(a, b)
    const differs = (x: number): boolean =>
      MIDPOINTS.some((midpoint, i) => x !== midpoint && between(Math.abs(x), midpoint, CUDA[i] as number)) ||
      MIDPOINTS.some((midpoint) => x === -midpoint)
    // Ratios k / absmax of whole numbers, as bf16 weights with their 8-bit significands make them.
    const ratios = [128, 176, 192, 255].flatMap((absmax) =>
      Array.from({ length: 2 * absmax + 1 }, (_, k) => Math.fround((k - absmax) / absmax))
    )
    const codes = codesOf(ratios)
    const wrong = ratios.filter((x, i) => levelOf(codes[i] as number) !== levelOf(codeOnCuda(x)))
    expect(wrong.filter((x) => !differs(x))).toEqual([])
    expect(wrong).toContain(-11 / 128)
    expect(wrong).not.toContain(11 / 128)
  })
})

describe('quantizing to FP4', () => {
  it('gives the values of the bytes published for CUDA on a known ramp without ties', () => {
    const weight = Float32Array.from({ length: 128 }, (_, i) => {
      const value = (((i * 37) % 129) - 64) / 64
      return i < 64 ? value : value * 0.25
    })
    const published = Buffer.from(
      'bd62ae5bc62ae5bc62ae5bc62a95bc72a95bc72a95bc72a95bc73a95bc73d05b' +
        'f43d12bf43d12af43d12af43d12af43d12ae43d62ae43d62ae43d62ae53d62ae',
      'hex'
    )
    const quantized = fp4.quantize(weight, spec())
    const theirs = { packed: Uint8Array.from(published), absmax: Float32Array.of(1, 0.25) }
    expect(fp4.dequantize(quantized, 128, spec())).toEqual(fp4.dequantize(theirs, 128, spec()))
  })

  it.each(BLOCK_SIZES)('takes the nearest level in blocks of %i, the last of them partial and odd', (blockSize) => {
    const weight = Float32Array.from({ length: 2 * blockSize + 35 }, (_, i) => Math.sin(i * 12.9898) * (1 + i / 999))
    const quantized = fp4.quantize(weight, spec(blockSize))
    const values = fp4.dequantize(quantized, weight.length, spec(blockSize))
    weight.forEach((w, i) => {
      const absmax = quantized.absmax[Math.floor(i / blockSize)] as number
      const nearest = Math.min(...FP4_LEVELS.map((level) => Math.abs(w - level * absmax)))
      // A float32 rounding of the ratio, of its threshold and of the product.
      expect(Math.abs(w - (values[i] as number)) - nearest).toBeLessThan(absmax * 2 ** -22)
    })
  })

  it('gives an all-zero block and the pad of an odd count the code 0', () => {
    expect([...new Set(fp4.quantize(new Float32Array(64), spec()).packed)]).toEqual([0])
    expect([...fp4.quantize(Float32Array.of(0, 0, 2), spec()).packed]).toEqual([0x00, 0x30])
  })

  it('refuses an infinity and says where it is', () => {
    const bad = new Float32Array(100).fill(1)
    bad[77] = Number.NEGATIVE_INFINITY
    expect(() => fp4.quantize(bad, spec())).toThrow('element 77 is -Infinity; only finite weights can be quantized')
  })
})
