import { expect, it } from 'vitest'
import { coverage } from '../../../../src/engine/calibration/coverage'
import { countPositions, packedRows, paddedRows } from '../../../../src/engine/calibration/rows'
import { coverageSentence } from '../../../../src/shared/coverage'

const tokens = (...ids: number[]) => ({ ids: Int32Array.from(ids) })

it('an evaluation text is covered where its tokens occur in the calibration rows; pads count on neither side', () => {
  const calibration = paddedRows([tokens(1, 2), tokens(3, 4, 5, 9)], 3, 2, 7) // 9 is cut off, 7 the pad
  const evaluation = packedRows(tokens(1, 7, 9, 5, 2, 2, 3, 8), 4, 2)
  expect(coverage(calibration, evaluation)).toBe(5 / 8)
  const padded = paddedRows([tokens(1, 8)], 4, 1, 7)
  expect(coverage(calibration, padded)).toBe(1 / 2)
})

it('only positions that count are asked for', () => {
  const calibration = packedRows(tokens(1, 2), 2, 1)
  const evaluation = countPositions(packedRows(tokens(8, 1, 9, 2), 2, 2), { on: 'all', firstToken: 'exclude' })
  expect(coverage(calibration, evaluation)).toBe(1)
})

it('nothing is told of tokens that were not read', () => {
  const rows = packedRows(tokens(1, 2), 2, 1)
  const guessed = { ...rows, ids: new Int32Array(), lengths: new Int32Array(), counted: new Uint8Array() }
  expect(coverage(guessed, guessed)).toBeUndefined()
  expect(coverage(guessed, rows)).toBeUndefined()
})

it('is told in words, as a bound where fewer rows may be enough', () => {
  expect(coverageSentence({ text: 'a.txt', share: 0.9731, atMost: false })).toBe(
    '97.3 % of the tokens of a.txt occur in the calibration rows'
  )
  expect(coverageSentence({ text: 'a.txt', share: 1, atMost: true })).toMatch(/^at most 100\.0 % /)
})
