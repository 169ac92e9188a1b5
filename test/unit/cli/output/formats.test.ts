import { describe, expect, it } from 'vitest'
import { formatCount, formatParameters, formatShare, plural } from '../../../../src/cli/output/numbers'
import { formatSize, parseSize } from '../../../../src/cli/output/sizes'
import { renderPairs, renderTable } from '../../../../src/cli/output/table'
import { createTerminal } from '../../../../src/cli/output/terminal'
import { durationText } from '../../../../src/shared/durationText'

describe('numbers for people', () => {
  it('are shares, counts and parameters', () => {
    expect([formatShare(0.29327), formatShare(-0.00001), formatShare(Number.NaN)]).toEqual(['29.3 %', '0.0 %', '–'])
    expect(formatCount(16384)).toBe('16,384')
    expect([formatParameters(134_515_008), formatParameters(7.241e9), formatParameters(512)]).toEqual([
      '134.5 M',
      '7.241 G',
      '512'
    ])
    expect([plural(1, 'row'), plural(2, 'row')]).toEqual(['1 row', '2 rows'])
  })

  it.each([
    [0.84, '0.8 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [185, '3 min 05 s'],
    [7799, '2 h 10 min'],
    [86_370, '1 d 00 h'],
    [273_600, '3 d 04 h']
  ])('%d seconds are %s', (seconds, shown) => {
    expect(durationText(1000 * seconds)).toBe(shown)
  })
})

describe('sizes', () => {
  it.each([
    ['2GiB', 2 ** 31],
    ['512 MiB', 2 ** 29],
    ['1.5g', 1.5 * 2 ** 30],
    ['300000', 300000],
    ['1GB', 1e9]
  ])('%s is %d bytes', (written, bytes) => {
    expect(parseSize(written)).toBe(bytes)
  })

  it.each(['', 'GiB', '-1GiB', '2 XB', '0', '0.1B', '1e9', '9999999999TiB'])('"%s" is none', (written) => {
    expect(parseSize(written)).toBeUndefined()
  })

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [2 ** 20 - 1, '1.00 MiB'],
    [4.41 * 2 ** 20, '4.41 MiB'],
    [12345678901, '11.5 GiB']
  ])('%d bytes are shown as %s', (bytes, shown) => {
    expect(formatSize(bytes)).toBe(shown)
  })
})

describe('tables', () => {
  it('align their columns and leave no spaces at line ends', () => {
    const columns = [{ title: 'name' }, { title: 'n', align: 'right' as const }, { title: 'note' }]
    expect(
      renderTable(columns, [
        ['a', '1', ''],
        ['long–name', '22', 'x']
      ])
    ).toEqual(['name        n  note', '─────────  ──  ────', 'a           1', 'long–name  22  x'])
  })

  it('align pairs', () => {
    expect(
      renderPairs([
        ['a', '1'],
        ['', '2'],
        ['long', '3']
      ])
    ).toEqual(['a     1', '      2', 'long  3'])
  })
})

describe('the terminal', () => {
  const stream = (isTTY: boolean) => {
    const written: string[] = []
    return { isTTY, columns: 40, written, write: (chunk: string | Uint8Array) => written.push(String(chunk)) > 0 }
  }

  it('colours and draws only on a terminal, and not with NO_COLOR', () => {
    const printed = (isTTY: boolean, env = {}) => {
      const out = stream(isTTY)
      const terminal = createTerminal(out, stream(isTTY), env)
      terminal.print('x', 'red')
      return { live: terminal.live, text: out.written.join('') }
    }
    expect(printed(true)).toEqual({ live: true, text: '\x1b[31mx\x1b[39m\n' })
    expect(printed(true, { NO_COLOR: '1' }).text).toBe('x\n')
    expect(printed(false)).toEqual({ live: false, text: 'x\n' })
  })

  it('wipes the drawn line before it prints another', () => {
    const [out, err] = [stream(true), stream(true)]
    const terminal = createTerminal(out, err, {})
    terminal.draw('half')
    terminal.note('whole')
    terminal.print('answer')
    expect(err.written).toEqual(['\r\x1b[Khalf', '\r\x1b[K', 'whole\n'])
    expect(out.written).toEqual(['answer\n'])
  })

  it('draws nothing where lines cannot be redrawn', () => {
    const err = stream(false)
    createTerminal(stream(false), err, {}).draw('half')
    expect(err.written).toEqual([])
  })
})
