import { fourBitQuantizer } from '../fourBit'

/** Twelve times the eight magnitudes, by the three lower bits of the code. */
const TWELFTHS = [0, 0.0625, 8, 12, 4, 6, 2, 3]

/**
 * The sixteen FP4 levels in code order, which is not that of their values: bit 3 is the sign, the lower bits name a
 * magnitude. levels[c] = fp32(twelfths / 12); both codes of zero stand for +0.
 *
 * Source: bitsandbytes 0.50 `get_4bit_type("fp4")`.
 */
export const FP4_LEVELS: Float32Array = Float32Array.from({ length: 16 }, (_, code) => {
  const magnitude = TWELFTHS[code & 7] as number
  return code < 8 || magnitude === 0 ? magnitude / 12 : -magnitude / 12
})

/**
 * 4-bit floating point (one sign, two exponent bits, one of mantissa) by the rule of bitsandbytes' CPU backend, 0.50.
 *
 * That rule goes by the sorted levels, so a ratio on a threshold takes the lower LEVEL: the larger magnitude where it is
 * negative. Of the two codes of zero, 8 is given above zero and 0 at and below it.
 * CUDA decides by |x| and takes the smaller MAGNITUDE on both signs, has the sign bit of w (code 8 below zero), and its
 * constants lie up to 14 ulps from the midpoints. The values differ only on negative thresholds and within those few
 * ulps; −11/128 of an absmax is a threshold that bf16 weights do meet. So, unlike NF4's, FP4's codes are not the same on
 * every device, and a fingerprint has to be recomputed on CPU.
 */
export const quantizer = fourBitQuantizer(FP4_LEVELS)
