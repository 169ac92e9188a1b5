import { describe, expect, it } from 'vitest'
import { estimateText, shareText } from '../../../src/shared/uncertainty'

describe('a number with its standard error', () => {
  it.each([
    [85.5312, 0.9123, 4, '85.53 ± 0.91'],
    [0.0078196, 0.0000743, 3, '0.00782 ± 0.00007'],
    [0.0078196, 0.00000743, 3, '0.007820 ± 0.000007'],
    [12345.678, 12.3, 4, '12,346 ± 12'],
    [9.99996, 0.2, 4, '10.000 ± 0.200'],
    [85.5312, null, 4, '85.53'],
    [85.5312, 0, 4, '85.53'],
    [0, 0, 3, '0'],
    [3.21e-12, 1e-13, 3, '3.21e-12'],
    [Number.NaN, 0.1, 4, '–']
  ] as const)('%d ± %d to %d digits is %s', (value, error, digits, text) => {
    expect(estimateText(value, error, digits)).toBe(text)
  })

  it.each([
    [0.637, 0.0471, '63.7 ± 4.7 %'],
    [0.919123, 0.0002, '91.91 ± 0.02 %'],
    [-1.131, 0.9, '-113.1 ± 90.0 %'],
    [0, 0, '0.0 %'],
    [-0.0001, null, '0.0 %'],
    [0.5, undefined, '50.0 %']
  ] as const)('the share %d ± %d is %s', (share, error, text) => {
    expect(shareText(share, error)).toBe(text)
  })
})
