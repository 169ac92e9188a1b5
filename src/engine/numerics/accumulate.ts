/** target[offset + i] += values[i], in float64. */
export function addInto(target: Float64Array, values: Float32Array, offset: number): void {
  for (let i = 0; i < values.length; i++) target[offset + i] += values[i]
}

/** target[i] *= factor. */
export function scaleInto(target: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i] *= factor
}

/** target[i] = a[i] − b[i] in float32 (exact where a and b are within a factor of two of each other). */
export function difference(a: Float32Array, b: Float32Array): Float32Array {
  const result = new Float32Array(a.length)
  for (let i = 0; i < a.length; i++) result[i] = a[i] - b[i]
  return result
}
