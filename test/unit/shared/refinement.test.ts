import { describe, expect, it } from 'vitest'
import { checkedSteps, heldOutRows, keptOf } from '../../../src/shared/refinement'

const curve = (...values: (number | null)[]) => values.map((divergence, i) => ({ steps: 6 * i, divergence }))

describe('what is kept of a refinement', () => {
  it.each([
    ['the state with the least divergence', 9, curve(5, 4, 3, 3.5), 12],
    ['the start where nothing is better', 9, curve(5, 6, 5, 7), 0],
    ['no adapter where even that is worse', 4, curve(5, 4.5, 4), 'zero'],
    ['a later state that is better than both', 4, curve(5, 4.5, 3.9), 12],
    ['the start where all after it lost their way', 9, curve(5, null, null), 0],
    ['no adapter where the start itself is not finite', 9, curve(null, null), 'zero']
  ] as const)('is %s', (_, quantized, points, kept) => {
    expect(keptOf(quantized, points)).toBe(kept)
  })
})

describe('the held-out rows', () => {
  it('are an eighth of a set, one at least where there are two, 64 at most', () => {
    expect([0, 1, 2, 15, 16, 64, 4096].map(heldOutRows)).toEqual([0, 0, 1, 1, 2, 8, 64])
  })

  it('are asked eight times, the last time at the end', () => {
    expect(checkedSteps({ steps: 48, batch: 4 }, 64)).toEqual([6, 12, 18, 24, 30, 36, 42, 48])
    expect(checkedSteps({ steps: 3, batch: 8 }, 16)).toEqual([1, 2, 3])
    expect(checkedSteps({ steps: 50, batch: 4 }, 64).at(-1)).toBe(50)
  })

  it('are asked of no more than half as many rows as are learned from, those of the start included', () => {
    expect(checkedSteps({ steps: 16, batch: 4 }, 64)).toEqual([8, 16])
    expect(checkedSteps({ steps: 12, batch: 4 }, 64)).toEqual([12])
    expect(checkedSteps({ steps: 2, batch: 1 }, 64)).toEqual([2])
    expect(checkedSteps({ steps: 12, batch: 64 }, 8)).toHaveLength(8)
  })
})
