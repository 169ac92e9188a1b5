/**
 * The sixteen NF4 levels in code order, each exactly a float32.
 *
 * Source: bitsandbytes `get_4bit_type("nf4")`; SHA-256 of the 64 little-endian bytes
 * 8501941daa1b8a90ad1bbfeb632e5101b5dddbc4bb52d6e55abcfd777e60c06a.
 */
export const NF4_LEVELS: Float32Array = Float32Array.of(
  -1.0,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0.0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1.0
)

/** The fifteen decision thresholds t_i = fp32((c_i + c_{i+1}) / 2); x falls on code i + 1 when x > t_i. */
export const NF4_THRESHOLDS: Float32Array = Float32Array.from({ length: 15 }, (_, i) =>
  Math.fround(Math.fround(NF4_LEVELS[i] + NF4_LEVELS[i + 1]) / 2)
)

/** The smallest absmax that bitsandbytes divides by. */
const SMALLEST_ABSMAX = Math.fround(1e-38)

/** The code of the element that fills up the last byte of an odd count: that of zero. */
const PAD_CODE = 7

/*
 * The code of a ratio x in [−1, 1] by one look-up. The line is cut into 4096 buckets and the rounding of x + 1 moves x by
 * less than 1e-9, so a bucket that has no threshold in it or within 1e-9 of it has one code, exactly. The other (about
 * fifteen) buckets hold the code below their threshold, marked, and the comparison with the float32 threshold decides.
 */
const BUCKETS_PER_UNIT = 2048
const MARK = 16
const bucketCodes = Uint8Array.from({ length: 2 * BUCKETS_PER_UNIT + 1 }, (_, bucket) => {
  const low = bucket / BUCKETS_PER_UNIT - 1 - 1e-9
  const high = (bucket + 1) / BUCKETS_PER_UNIT - 1 + 1e-9
  const codeAtLow = thresholdsBelow(low)
  return codeAtLow === thresholdsBelow(high) ? codeAtLow : codeAtLow | MARK
})

function thresholdsBelow(x: number): number {
  let count = 0
  while (count < 15 && NF4_THRESHOLDS[count] < x) count++
  return count
}

const codeOf = (x: number): number => {
  const code = bucketCodes[((x + 1) * BUCKETS_PER_UNIT) | 0]
  return code < MARK ? code : compared(x, code - MARK)
}

const compared = (x: number, code: number): number => (x > NF4_THRESHOLDS[code] ? code + 1 : code)

/**
 * Quantizes `weight` to NF4 as the default (CPU) backend of bitsandbytes does; returns −1, or the index of a block that
 * holds a NaN or an infinity (whose output is then meaningless).
 *
 * Per block of `blockSize` consecutive elements: absmax = max |w|, x = fp32(w · fp32(1 / absmax)), code = number of
 * thresholds strictly below x; a trailing partial block divides, x = fp32(w / absmax). The divisor is at least 1e-38, so
 * an all-zero block gets the code of zero. Element 2j goes to the high nibble of byte j. bf16 weights get the codes that
 * CUDA gives too (no ratio comes nearer than 14 ulps to a threshold), all-zero blocks apart.
 *
 * @param weight n values, row-major
 * @param packed ⌈n / 2⌉ bytes, written
 * @param absmax ⌈n / blockSize⌉ values, written; that of a partial block is clamped to 1e-38 as in bitsandbytes
 */
export function quantizeNf4(weight: Float32Array, blockSize: number, packed: Uint8Array, absmax: Float32Array): number {
  const bits = new Int32Array(weight.buffer, weight.byteOffset, weight.length)
  const scratch = new Int32Array(1)
  const scratchFloat = new Float32Array(scratch.buffer)
  for (let block = 0, start = 0; start < weight.length; block++, start += blockSize) {
    const end = Math.min(start + blockSize, weight.length)
    scratch[0] = largestMagnitude(bits, start, end)
    if (scratch[0] >= 0x7f800000) return block
    const largest = scratchFloat[0]
    const divisor = Math.max(largest, SMALLEST_ABSMAX)
    if (end - start === blockSize) {
      absmax[block] = largest
      packScaled(weight, start, end, Math.fround(1 / divisor), packed)
    } else {
      absmax[block] = divisor
      packDivided(weight, start, end, divisor, packed)
    }
  }
  return -1
}

/** The largest bit pattern without its sign: of finite float32 that of the largest |w|; NaN and infinity come above. */
function largestMagnitude(bits: Int32Array, start: number, end: number): number {
  let largest = 0
  for (let i = start; i < end; i++) {
    const magnitude = bits[i] & 0x7fffffff
    if (magnitude > largest) largest = magnitude
  }
  return largest
}

/** A full block; its size is even, so it starts and ends on whole bytes. */
function packScaled(weight: Float32Array, start: number, end: number, reciprocal: number, packed: Uint8Array): void {
  for (let i = start, byte = start >> 1; i < end; i += 2, byte++) {
    const high = codeOf(Math.fround(weight[i] * reciprocal))
    const low = codeOf(Math.fround(weight[i + 1] * reciprocal))
    packed[byte] = (high << 4) | low
  }
}

function packDivided(weight: Float32Array, start: number, end: number, divisor: number, packed: Uint8Array): void {
  for (let i = start, byte = start >> 1; i < end; i += 2, byte++) {
    const high = codeOf(Math.fround(weight[i] / divisor))
    const low = i + 1 < end ? codeOf(Math.fround(weight[i + 1] / divisor)) : PAD_CODE
    packed[byte] = (high << 4) | low
  }
}

/** Writes fp32(level[code] · absmax of the block) for every element into `target`; its length says how many there are. */
export function dequantizeNf4(packed: Uint8Array, absmax: Float32Array, blockSize: number, target: Float32Array): void {
  for (let block = 0, start = 0; start < target.length; block++, start += blockSize) {
    const scale = absmax[block]
    const end = Math.min(start + blockSize, target.length)
    const pairsEnd = end - (end & 1)
    for (let i = start, byte = start >> 1; i < pairsEnd; i += 2, byte++) {
      const pair = packed[byte]
      target[i] = NF4_LEVELS[pair >> 4] * scale
      target[i + 1] = NF4_LEVELS[pair & 15] * scale
    }
    if (pairsEnd < end) target[pairsEnd] = NF4_LEVELS[packed[pairsEnd >> 1] >> 4] * scale
  }
}
