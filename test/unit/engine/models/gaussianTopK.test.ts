import { describe, expect, it } from 'vitest'
import { hasQuantile, sparsityQuantile } from '../../../../src/engine/models/gaussianTopK'

describe('the quantile of a sparsity', () => {
  // torch.distributions.Normal(0, 1).icdf of float32 numbers; float32 has 1e-7 of them.
  it.each([
    [0.95, 1.6448534],
    [0.5, 0],
    [0.3, -0.5244005],
    [0.999, 3.0902362],
    [0.0001, -3.7190497]
  ])('of %f is that of torch', (share, expected) => {
    expect(Math.abs(sparsityQuantile(share) - expected)).toBeLessThan(1e-5)
  })

  it('is none where torch has an infinite one', () => {
    expect([1, 1e-9, 1.2, 0.99999999].map(hasQuantile)).toEqual([false, false, false, false])
    expect([0.95, 1e-6].map(hasQuantile)).toEqual([true, true])
  })
})
