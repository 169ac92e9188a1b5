import { describe, expect, it } from 'vitest'
import { textWidth, wrapText } from '../../../src/shared/chartText'

const width = (characters: number): number => textWidth('x'.repeat(characters))

describe('wrapped text', () => {
  it('stays on a line where it fits', () => {
    expect(wrapText('svd-r8 · NF4', width(12))).toEqual(['svd-r8 · NF4'])
  })

  it('is broken between the parts of a label first, then at spaces and hyphens, then anywhere', () => {
    expect(wrapText('svd-r8 · NF4 block 64 · a run', width(14))).toEqual(['svd-r8', 'NF4 block 64', 'a run'])
    expect(wrapText('a-long-name of many words', width(8))).toEqual(['a-long-', 'name of', 'many', 'words'])
    expect(wrapText('abcdefghijkl', width(5))).toEqual(['abcde', 'fghij', 'kl'])
  })

  it('leaves nothing out, however narrow the place', () => {
    const text = 'quailora-r8-a16-nf4-b64-dq · a run of_some.name/with/parts · calibration.rows 32'
    for (let n = 1; n < 60; n++) {
      const lines = wrapText(text, width(n))
      expect(lines.join('').replaceAll(/[\s·]/g, '')).toBe(text.replaceAll(/[\s·]/g, ''))
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(Math.max(4, n))
    }
  })
})
