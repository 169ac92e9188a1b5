import { describe, expect, test } from 'vitest'
import { columnWidths, linesOf } from '../../../../src/renderer/components/columnFit'

describe('columnWidths', () => {
  test('parts what is left by the shares, as CSS does', () => {
    const columns = [
      { least: 100, share: 0 },
      { least: 50, share: 2 },
      { least: 50, share: 1 }
    ]
    expect(columnWidths(columns, 400)).toEqual([100, 200, 100])
  })

  test('gives a column what it needs where its share is less, and the others the rest', () => {
    const columns = [
      { least: 180, share: 1 },
      { least: 50, share: 1 },
      { least: 50, share: 1 }
    ]
    expect(columnWidths(columns, 300)).toEqual([180, 60, 60])
    expect(columnWidths(columns, 200)).toEqual([180, 50, 50])
  })
})

describe('linesOf', () => {
  const width = (text: string): number => 10 * text.length

  test('breaks after spaces and hyphens', () => {
    expect(linesOf('one', 100, width)).toBe(1)
    expect(linesOf('20261128-0223-mixed-b7rm', 140, width)).toBe(2)
    // Words of 6 letters with their space: a line of 100 holds one, however much is left.
    expect(linesOf('abcdef abcdef abcdef', 100, width)).toBe(3)
  })

  test('breaks a word only where it alone is wider than the line', () => {
    expect(linesOf('ab abcdefghijklmnop', 100, width)).toBe(3)
    expect(linesOf('abcdefghijklmnopqrstuvwxyz', 100, width)).toBe(3)
  })
})
