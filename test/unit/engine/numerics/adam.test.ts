import { describe, expect, it } from 'vitest'
import { adamMoments, adamStep, noMoments } from '../../../../src/engine/numerics/adam'

/** Weights after each step: torch 2.13, torch.optim.Adam([w], lr=0.1, eps=1e-12) in float64. */
const TORCH = [
  [0.9, -1.9, 0.15],
  [0.801388217, -1.813489374, 0.211482725],
  [0.706247203, -1.736109841, 0.249090586],
  [0.612243518, -1.650122015, 0.307628195],
  [0.52109728, -1.571313129, 0.346922725]
]

describe('Adam', () => {
  it('takes the steps that torch takes', () => {
    const weights = Float32Array.of(1, -2, 0.25)
    const moments = noMoments(3)
    TORCH.forEach((after, i) => {
      const gradient = weights.map((w) => (i % 2 === 0 ? 0.5 * w : 2 * w - 1))
      adamMoments(moments, gradient)
      adamStep(weights, moments, 0.1, i + 1)
      // Weights and moments are kept in float32.
      after.forEach((value, j) => {
        expect(Math.abs((weights[j] as number) - value)).toBeLessThan(1e-6)
      })
    })
  })
})
