import { expect, it } from 'vitest'
import { figureText } from '../../../src/shared/figureText'
import { estimateText } from '../../../src/shared/uncertainty'

it.each([
  [85.5253741, '85.53'],
  [0.012345678, '0.01235'],
  [1.23456e-7, '1.235e-7'],
  [0.000099999, '0.0001000'],
  [123456.7, '123,457'],
  [999.96, '1,000'],
  [2_512_345, '2,512,345'],
  [999_999_999_999, '1.000e+12'],
  [0, '0'],
  [Number.POSITIVE_INFINITY, '∞'],
  [Number.NaN, '–']
])('the figure %d is %s, also where its error is not known', (value, shown) => {
  expect(figureText(value)).toBe(shown)
  if (value >= 1e6) expect(estimateText(value, null)).toBe(shown)
})

it('a large figure keeps its error', () => {
  expect(estimateText(2_512_345, 31_234)).toBe('2,512,345 ± 31,234')
  expect(estimateText(2.5123e12, 3.1234e10)).toBe('2.512e+12 ± 3.1e+10')
})
