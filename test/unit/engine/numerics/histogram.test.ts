import { describe, expect, it } from 'vitest'
import { histogram } from '../../../../src/engine/numerics/histogram'

describe('histogram', () => {
  it('counts values from −range to range in bins of equal width', () => {
    expect(histogram(Float64Array.of(-1, -0.9, -0.3, 0, 0.1, 0.6), 1, 4)).toEqual([2, 1, 2, 1])
  })

  it('counts what lies beyond in the outermost bins, the upper end too', () => {
    expect(histogram(Float32Array.of(-7, 1, 3), 1, 3)).toEqual([1, 0, 2])
  })
})
