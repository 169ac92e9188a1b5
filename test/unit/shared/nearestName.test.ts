import { describe, expect, it } from 'vitest'
import { editDistance, nearestName } from '../../../src/shared/nearestName'

describe('the nearest name', () => {
  it.each([
    ['kitten', 'sitting', 3],
    ['rnak', 'rank', 1],
    ['', 'abc', 3],
    ['same', 'same', 0]
  ])('counts the edits between %s and %s', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance)
  })

  it('suggests the name with the fewest edits, or the one that the word begins', () => {
    expect(nearestName('calibrtion', ['model', 'calibration', 'evaluation'])).toBe('calibration')
    expect(nearestName('init', ['inspect', 'init-lora'])).toBe('init-lora')
  })

  it('suggests nothing when no name is near', () => {
    expect(nearestName('frobnicate', ['rank', 'model'])).toBeUndefined()
    expect(nearestName('x', ['y'])).toBeUndefined()
  })
})
