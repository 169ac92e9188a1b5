import { describe, expect, it } from 'vitest'
import { isSoundCharsMap } from '../../../../src/engine/calibration/charsMap'

/** A trie that takes byte 0x31 to a leaf, its one replacement, and everything in base64. */
function charsMap({ units = 512, leaf = 0, offset = 1, replacements = 'one\0' as string | Uint8Array } = {}): string {
  const trie = new Uint32Array(units)
  trie[0] = 1 << 10
  trie[1 ^ 0x31] = 0x31 | (1 << 8) | (1 << 9) | (offset << 10)
  trie[(1 ^ 0x31 ^ (offset << 8)) % units] = leaf
  const size = Buffer.alloc(4)
  size.writeUInt32LE(trie.byteLength)
  return Buffer.concat([size, Buffer.from(trie.buffer), Buffer.from(replacements)]).toString('base64')
}

describe('a precompiled_charsmap', () => {
  it('is sound when no text leads out of it', () => {
    expect(isSoundCharsMap(charsMap())).toBe(true)
    expect(isSoundCharsMap(charsMap({ leaf: 4 }))).toBe(true) // the empty replacement
    expect(isSoundCharsMap(charsMap({ leaf: 1, replacements: 'aé\0' }))).toBe(true)
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['no base64', '????'],
    ['a length beyond the end', Buffer.from([0, 4, 0, 0, 1, 2, 3, 4]).toString('base64')],
    ['an empty trie', Buffer.from([0, 0, 0, 0, 65, 0]).toString('base64')],
    ['a trie that ends inside a block', charsMap({ units: 200 })],
    ['an offset out of the trie', charsMap({ offset: 9 })],
    ['a leaf behind the replacements', charsMap({ leaf: 5 })],
    ['a leaf inside a character', charsMap({ leaf: 2, replacements: 'aé\0' })],
    ['replacements that are not UTF-8', charsMap({ replacements: Uint8Array.of(0xff, 0) })]
  ])('is not sound with %s', (_, map) => expect(isSoundCharsMap(map)).toBe(false))
})
