/*
 * The signed dynamic 8-bit map of bitsandbytes: create_dynamic_map(signed=True, max_exponent_bits=7, total_bits=8).
 * For each of seven decades the range [0.1, 1] is cut into 2^e equal parts, whose middles, times 10^(e−6), are levels
 * with either sign; 0 and +1 complete the 256. The roundings below are those of a linspace with fused multiply-add.
 */

/** The 2^e + 1 boundaries of one decade: float32 values from 0.1 to 1, built from both ends as torch.linspace does. */
function boundaries(parts: number): Float32Array {
  const first = Math.fround(0.1)
  const step = Math.fround(Math.fround(1 - first) / parts)
  const half = (parts + 1) >> 1
  return Float32Array.from({ length: parts + 1 }, (_, i) => (i < half ? first + step * i : 1 - step * (parts - i)))
}

function buildDynamicMap(): Float32Array {
  const levels = [0, 1]
  for (let e = 0; e < 7; e++) {
    const parts = 2 ** e
    const edges = boundaries(parts)
    for (let k = 0; k < parts; k++) {
      const middle = Math.fround(Math.fround(edges[k] + edges[k + 1]) / 2)
      const level = Math.fround(Math.fround(10 ** (e - 6)) * middle)
      levels.push(level, -level)
    }
  }
  return Float32Array.from(levels).sort()
}

/**
 * The 256 levels in ascending code order: index 127 is 0, index 255 is 1, there is no −1.
 *
 * SHA-256 of the 1024 little-endian bytes: e732639a65f497b4ad684bb166a4467708255edd5207757de8b8f0c7e1fda89c.
 */
export const DYNAMIC_MAP: Float32Array = buildDynamicMap()

/** fp32((m_i + m_{i+1}) / 2): x lies nearer to level i + 1 when it is above. */
const middles = Float32Array.from({ length: 255 }, (_, i) =>
  Math.fround(Math.fround(DYNAMIC_MAP[i] + DYNAMIC_MAP[i + 1]) / 2)
)

const LAST = 65535

/** For each of 65536 evenly spaced values of [−1, 1] the code of the nearest level, ties to the lower one. */
function buildLookup(): Uint8Array {
  const lookup = new Uint8Array(LAST + 1)
  let code = 0
  for (let i = 0; i <= LAST; i++) {
    const value = Math.fround(-1 + (2 * i) / LAST)
    while (code < 255 && middles[code] < value) code++
    lookup[i] = code
  }
  return lookup
}
const lookup = buildLookup()

/**
 * The code of a float32 ratio x in [−1, 1] by the rule of bitsandbytes' CPU code since 0.50: x is first rounded to one of
 * 65536 even steps, the level nearest to that is taken. It differs from the nearest level by at most one code for about
 * 0.1 % of uniform x, and by a few codes below |x| = 1e-4 (levels 124 to 130 are never taken; they are below 2e-5).
 */
export function dynamicCode(x: number): number {
  const clamped = Math.max(-1, Math.min(1, x))
  const steps = Math.fround(Math.fround(Math.fround(clamped + 1) * 0.5) * LAST)
  return lookup[Math.trunc(Math.fround(steps + 0.5))]
}
