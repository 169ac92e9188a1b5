/**
 * Counts values in bins of equal width from −range to range; values beyond fall into the outermost bins.
 *
 *     counts[k] = #{ i : k ≤ (values[i] + range) · bins / (2 · range) < k + 1 },  k = 0 … bins − 1
 *
 * @param range - half width of the bins together, > 0, unit of the values
 */
export function histogram(values: Float32Array | Float64Array, range: number, bins: number): number[] {
  const counts = new Float64Array(bins)
  const scale = bins / (2 * range)
  for (let i = 0; i < values.length; i++) {
    const place = (values[i] + range) * scale
    counts[place < 0 ? 0 : place < bins ? place | 0 : bins - 1]++
  }
  return Array.from(counts)
}
