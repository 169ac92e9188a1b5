/*
 * Block-wise quantization to sixteen levels, as the default (CPU) backend of bitsandbytes 0.50 does it
 * (`bitsandbytes/backends/default/ops.py`). A number format is nothing but its levels.
 */

/** The levels of a 4-bit format with what finds the nearest of them quickly. */
export interface FourBitTable {
  /** Sixteen values in [−1, 1], each exactly a float32, in the order of their codes. */
  readonly levels: Float32Array
  /** The codes in ascending order of their levels; of equal levels the lower code comes first, as torch sorts them. */
  readonly order: Uint8Array
  /** t_i = fp32((c_i + c_{i+1}) / 2) of neighbours c in that order; a ratio x has as its place the number of t_i < x. */
  readonly thresholds: Float32Array
  /**
   * The code of each bucket of ratios. The line is cut into 4096 buckets and the rounding of x + 1 moves x by less than
   * 1e-9, so a bucket that has no threshold in it or within 1e-9 of it has one code, exactly. The other (about fifteen)
   * buckets hold the place below their threshold, marked, and the comparison with the float32 threshold decides.
   */
  readonly buckets: Uint8Array
}

const BUCKETS_PER_UNIT = 2048
const MARK = 16

/** The smallest absmax that bitsandbytes divides by. */
const SMALLEST_ABSMAX = Math.fround(1e-38)

/** What the elements of a block are divided by, of its absmax. */
export const divisorOf = (absmax: number): number => Math.max(absmax, SMALLEST_ABSMAX)

/**
 * Prepares a format.
 *
 * @param levels sixteen float32 values, the lowest −1 and the highest 1; midpoints of neighbours lie further apart than 1/1024
 */
export function fourBitTable(levels: Float32Array): FourBitTable {
  const order = Uint8Array.from(levels.keys()).sort((a, b) => levels[a] - levels[b] || a - b)
  const thresholds = Float32Array.from({ length: 15 }, (_, i) =>
    Math.fround(Math.fround(levels[order[i]] + levels[order[i + 1]]) / 2)
  )
  const buckets = Uint8Array.from({ length: 2 * BUCKETS_PER_UNIT + 1 }, (_, bucket) => {
    const low = placeOf(bucket / BUCKETS_PER_UNIT - 1 - 1e-9, thresholds)
    const high = placeOf((bucket + 1) / BUCKETS_PER_UNIT - 1 + 1e-9, thresholds)
    return low === high ? order[low] : low | MARK
  })
  return { levels, order, thresholds, buckets }
}

function placeOf(x: number, thresholds: Float32Array): number {
  let place = 0
  while (place < 15 && thresholds[place] < x) place++
  return place
}

function codeOf(x: number, table: FourBitTable): number {
  const code = table.buckets[((x + 1) * BUCKETS_PER_UNIT) | 0]
  return code < MARK ? code : compared(x, code - MARK, table)
}

const compared = (x: number, place: number, { order, thresholds }: FourBitTable): number =>
  order[x > thresholds[place] ? place + 1 : place]

/**
 * Quantizes `weight`; returns −1, or the index of a block that holds a NaN or an infinity (whose output is then
 * meaningless).
 *
 * Per block of `blockSize` consecutive elements: absmax = max |w|, x = fp32(w · fp32(1 / absmax)), place = number of
 * thresholds strictly below x, so a ratio on a threshold takes the lower level; a trailing partial block divides,
 * x = fp32(w / absmax). The divisor is at least 1e-38, so an all-zero block gets the code of zero. Element 2j goes to the
 * high nibble of byte j; an odd count is filled up with the code of zero.
 *
 * @param weight n values, row-major
 * @param packed ⌈n / 2⌉ bytes, written
 * @param absmax ⌈n / blockSize⌉ values, written; that of a partial block is clamped to 1e-38 as in bitsandbytes
 */
export function quantizeFourBit(
  weight: Float32Array,
  blockSize: number,
  table: FourBitTable,
  packed: Uint8Array,
  absmax: Float32Array
): number {
  const bits = new Int32Array(weight.buffer, weight.byteOffset, weight.length)
  const scratch = new Int32Array(1)
  const scratchFloat = new Float32Array(scratch.buffer)
  for (let block = 0, start = 0; start < weight.length; block++, start += blockSize) {
    const end = Math.min(start + blockSize, weight.length)
    scratch[0] = largestMagnitude(bits, start, end)
    if (scratch[0] >= 0x7f800000) return block
    const largest = scratchFloat[0]
    const divisor = divisorOf(largest)
    if (end - start === blockSize) {
      absmax[block] = largest
      packScaled(weight, start, end, Math.fround(1 / divisor), table, packed)
    } else {
      absmax[block] = divisor
      packDivided(weight, start, end, divisor, table, packed)
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
function packScaled(
  weight: Float32Array,
  start: number,
  end: number,
  reciprocal: number,
  table: FourBitTable,
  packed: Uint8Array
): void {
  for (let i = start, byte = start >> 1; i < end; i += 2, byte++) {
    const high = codeOf(Math.fround(weight[i] * reciprocal), table)
    const low = codeOf(Math.fround(weight[i + 1] * reciprocal), table)
    packed[byte] = (high << 4) | low
  }
}

function packDivided(
  weight: Float32Array,
  start: number,
  end: number,
  divisor: number,
  table: FourBitTable,
  packed: Uint8Array
): void {
  for (let i = start, byte = start >> 1; i < end; i += 2, byte++) {
    const high = codeOf(Math.fround(weight[i] / divisor), table)
    const low = codeOf(i + 1 < end ? Math.fround(weight[i + 1] / divisor) : 0, table)
    packed[byte] = (high << 4) | low
  }
}

/** Writes fp32(level[code] · absmax of the block) for every element into `target`; its length says how many there are. */
export function dequantizeFourBit(
  packed: Uint8Array,
  absmax: Float32Array,
  blockSize: number,
  { levels }: FourBitTable,
  target: Float32Array
): void {
  for (let block = 0, start = 0; start < target.length; block++, start += blockSize) {
    const scale = absmax[block]
    const end = Math.min(start + blockSize, target.length)
    const pairsEnd = end - (end & 1)
    for (let i = start, byte = start >> 1; i < pairsEnd; i += 2, byte++) {
      const pair = packed[byte]
      target[i] = levels[pair >> 4] * scale
      target[i + 1] = levels[pair & 15] * scale
    }
    if (pairsEnd < end) target[pairsEnd] = levels[packed[pairsEnd >> 1] >> 4] * scale
  }
}
