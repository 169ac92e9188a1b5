import { describe, expect, it } from 'vitest'
import { BATCHES, farthest, momentsOfBatches } from '../helpers/batchMoments'

describe('the second moments of a block', () => {
  it('are the same whether a batch is told of the next one, in whose sum it then may be, or not', async () => {
    const apart = await momentsOfBatches('cpu', { together: false })
    expect(apart.given).toEqual(Array.from({ length: BATCHES }, (_, i) => i))
    // What a calibration that ends early leaves behind belongs to none that follows.
    for (const interrupted of [0, 3]) {
      const { given, H } = await momentsOfBatches('cpu', { interrupted })
      expect(given).toEqual([7, 10])
      expect(H).toHaveLength(apart.H.length)
      // Eight float32 sums, each rounded to 6e-8.
      for (const [input, expected] of apart.H.entries()) expect(farthest(H[input], expected)).toBeLessThan(5e-7)
    }
  })
})
