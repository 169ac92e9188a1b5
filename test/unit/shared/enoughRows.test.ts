import { expect, it } from 'vitest'
import { type EnoughRows, enoughRowsSentence, fallOf } from '../../../src/shared/enoughRows'

const found: EnoughRows = {
  rows: 64,
  most: 512,
  tolerance: 0.01,
  why: 'settled',
  levels: [
    { rows: 32, half: 0.4, left: 0.38 },
    { rows: 64, half: 0.38, left: 0.3781 }
  ]
}

it('what is left falls by a share of itself; nothing is left of nothing', () => {
  expect(fallOf({ half: 0.4, left: 0.3 })).toBeCloseTo(0.25, 12)
  expect(fallOf({ half: 0, left: 0 })).toBe(0)
})

it('is told with the figures that decided', () => {
  expect(enoughRowsSentence(found)).toBe(
    '64 calibration rows of each text are enough: from 32 to 64 rows, the error left on other rows fell by 0.5 %, less than 1 %'
  )
  expect(enoughRowsSentence({ ...found, rows: 100, why: 'text', levels: found.levels.slice(0, 1) })).toBe(
    'all 100 calibration rows that the text has: from 16 to 32 rows, the error left on other rows fell by 5 %; 1 % was asked for'
  )
  expect(enoughRowsSentence({ ...found, rows: 20, why: 'text', levels: [] })).toBe(
    'all 20 calibration rows that the text has: it has too few to tell whether they are enough'
  )
  expect(enoughRowsSentence({ ...found, rows: 32, most: 32, why: 'most', levels: found.levels.slice(0, 1) })).toMatch(
    /^32 calibration rows of each text, as many as are allowed \(32\): from 16 to 32 rows, .* fell by 5 %; 1 % was asked for$/
  )
  const levels = [{ rows: 2048, half: 0.4, left: 0.38 }]
  const many: EnoughRows = { ...found, rows: 2048, most: 2048, why: 'most', levels }
  expect(enoughRowsSentence(many)).toMatch(
    /^2,048 calibration rows of each text, as many as are allowed \(2,048\): from 1,024 to 2,048 rows, /
  )
})
