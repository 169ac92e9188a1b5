import { describe, expect, it } from 'vitest'
import { hiddenStates, openAdaptedBlocks } from '../helpers/adaptedBlock'
import { BATCHES, farthest, momentsOfBatches } from '../helpers/batchMoments'
import { familyDirectory } from '../helpers/checkpoints'

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

  it('are the same where nobody takes the next states: then no expert is read', async () => {
    const opened = await openAdaptedBlocks(familyDirectory('glm4_moe'), { device: 'cpu', context: 8, rank: 4 })
    const { architecture, context, runner, parts } = opened
    const block = Array.from({ length: architecture.blocks }, (_, i) => i).findIndex((i) => parts.experts(i))
    const { adapters: _, ...weights } = await opened.adapted(block)
    const [hidden, mask] = [hiddenStates(architecture, context, 0), new Float32Array(2 * context).fill(1)]
    let read = 0
    const experts: typeof weights.experts = (expert) => {
      read++
      return (weights.experts as NonNullable<typeof weights.experts>)(expert)
    }
    const { grams } = await runner.forwardWithGrams(block, hidden, mask, { ...weights, experts })
    const before = read
    expect(await runner.grams(block, hidden, mask, { ...weights, experts })).toEqual(grams)
    await opened.close()
    expect([before > 0, read - before, grams.length > 0]).toEqual([true, 0, true])
  })
})
