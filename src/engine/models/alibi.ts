/**
 * ALiBi's slope of each head: for a power of two p the powers 1 … p of 2^(−8/p); head counts beyond the largest power of two
 * below them take the odd powers of 2^(−4/p).
 */
export function alibiSlopes(heads: number): number[] {
  const power = 2 ** Math.floor(Math.log2(heads))
  const base = 2 ** -(2 ** -(Math.log2(power) - 3))
  const extra = 2 ** -(2 ** -(Math.log2(2 * power) - 3))
  return Array.from({ length: heads }, (_, i) => (i < power ? base ** (i + 1) : extra ** (2 * (i - power) + 1)))
}
