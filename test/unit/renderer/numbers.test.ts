import { describe, expect, test } from 'vitest'
import {
  formatBytes,
  formatEstimate,
  formatNumber,
  formatParameters,
  formatPercent
} from '../../../src/renderer/format/numbers'
import { formatRelative, formatRough } from '../../../src/renderer/format/time'

describe('numbers', () => {
  test.each([
    [86.651, '86.65'],
    [0.0012344, '0.001234'],
    [12_345.6, '12,346'],
    [1.2346e-9, '1.235e-9'],
    [-0.0012344, '−0.001234'],
    [2_512_345, '2,512,345'],
    [0, '0']
  ])('%d has four significant digits: %s', (value, text) => {
    expect(formatNumber(value)).toBe(text)
  })

  test('a large perplexity is one number on the axis and in the table, and a small one keeps its exponent', () => {
    expect(formatEstimate(2_512_345, null)).toBe(formatEstimate(2_512_345, 31_234).split(' ')[0])
    expect(formatEstimate(-1.2346e-9, 1e-10)).toBe('−1.235e-9')
  })

  test('a number that is rounded to the next unit is told in that', () => {
    expect([999, 999_999, 999_700_000, 3_819_776].map(formatParameters)).toEqual(['999', '1.00 M', '1.00 B', '3.82 M'])
    expect([1023, 2 ** 20 - 1, 1000 * 2 ** 20].map(formatBytes)).toEqual(['1,023 B', '1.00 MiB', '1000 MiB'])
  })

  test('a share that rounds to nothing has no sign', () => {
    expect([-0.0001, -0.004, -0.2, 0.637].map((share) => formatPercent(share))).toEqual([
      '0.0 %',
      '−0.4 %',
      '−20.0 %',
      '63.7 %'
    ])
  })

  test('sizes and durations keep their units', () => {
    expect([512, 7_644_119, 2 ** 31].map(formatBytes)).toEqual(['512 B', '7.29 MiB', '2.00 GiB'])
    expect([420, 42_000, 57_900, 203_000, 600_000, 1_439_000, 7_460_000].map(formatRough)).toEqual([
      '1 s',
      '40 s',
      '1 min',
      '3 min 20 s',
      '10 min',
      '24 min',
      '2 h 05 min'
    ])
  })

  test('days are those of the calendar', () => {
    const at = (day: number, hour: number): number => new Date(2026, 10, day, hour).getTime()
    const now = at(30, 1)
    // 36 hours before one o'clock at night is no part of yesterday.
    expect([at(30, 0), at(29, 20), at(29, 0), at(28, 13), at(2, 12)].map((then) => formatRelative(then, now))).toEqual([
      '1 hour ago',
      '5 hours ago',
      'yesterday',
      '2 days ago',
      '28 days ago'
    ])
    expect(formatRelative(new Date(2026, 2, 4).getTime(), now)).toBe('4 Mar 2026')
  })

  test('what is still to come by a clock that was put back has a date, and is not just now', () => {
    const now = new Date(2026, 10, 30, 12).getTime()
    expect(formatRelative(now + 20_000, now)).toBe('just now')
    expect(formatRelative(new Date(2027, 0, 2, 9, 5).getTime(), now)).toBe('2 Jan 2027, 09:05')
  })
})
