import { expect, it } from 'vitest'
import { packedRows, paddedRows } from '../../../../src/engine/calibration/rows'
import { seenRows } from '../../../../src/engine/calibration/seenRows'

/** Tokens of a text that goes on without repeating itself: (i² + 7i) mod a prime. */
const text = (begin: number, length: number) => ({
  ids: Int32Array.from({ length }, (_, i) => ((begin + i) ** 2 + 7 * (begin + i)) % 50021)
})
const calibration = packedRows(text(0, 4096), 256, 16)

it.each([
  ['another text', 20_000, 0],
  ['the same text', 0, 8],
  ['the same text from another token on', 77, 8],
  ['one that goes on behind it', 4096 - 3 * 256, 3],
  ['one that begins before its end, in the midst of a row', 4096 - 3 * 256 + 60, 3], // the last row by 196 of 256 tokens
  ['one that begins before its end, at the end of a row', 4096 - 3 * 256 + 100, 2]
])('of %s, rows are told that the calibration rows hold for the most part', (_, begin, seen) => {
  expect(seenRows(calibration, packedRows(text(begin, 8 * 256), 256, 8))).toBe(seen)
})

it('a short sample counts only where it is a whole one on both sides', () => {
  const samples = paddedRows([text(0, 9), text(100, 40), text(500, 9)], 64, 3, 0)
  expect(seenRows(samples, paddedRows([text(0, 9), text(110, 9), text(1, 8), text(500, 9)], 64, 4, 0))).toBe(2)
  expect(seenRows(calibration, samples)).toBe(1) // the long one
})

it('nothing is told of tokens that were not read', () => {
  const guessed = { ...calibration, ids: new Int32Array(), lengths: new Int32Array(), counted: new Uint8Array() }
  expect(seenRows(guessed, guessed)).toBe(0)
  expect(seenRows(calibration, guessed)).toBe(0)
})
