import { describe, expect, test } from 'vitest'
import { formatBytes, formatNumber, formatPercent } from '../../../src/renderer/format/numbers'
import { formatDuration, formatRough } from '../../../src/renderer/format/time'

describe('numbers', () => {
  test.each([
    [86.651, '86.65'],
    [0.0012344, '0.001234'],
    [12_345.6, '12,346'],
    [1.2346e-9, '1.235e-9'],
    [0, '0']
  ])('%d has four significant digits: %s', (value, text) => {
    expect(formatNumber(value)).toBe(text)
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
    expect([420, 42_000, 200_000, 7_500_000].map(formatDuration)).toEqual(['0.4 s', '42 s', '3 min 20 s', '2 h 05 min'])
  })
})
