import { describe, expect, it } from 'vitest'
import { SecondMoments } from '../../../../src/engine/calibration/secondMoments'

/** A square tile on the diagonal. */
const square = (input: number, at: number, ...values: number[]) => {
  const size = Math.sqrt(values.length)
  return { input, row: at, column: at, rows: size, columns: size, data: Float32Array.from(values) }
}

describe('second moments', () => {
  it('are the mean over tokens, added up over batches', () => {
    const moments = new SecondMoments([2, 1])
    moments.add([square(0, 0, 1, 2, 2, 4)], 1)
    moments.add([square(0, 0, 3, 0, 0, 0), square(1, 0, 12)], 3)
    expect(moments.tokenCount).toBe(4)
    expect([...moments.take(0)]).toEqual([1, 0.5, 0.5, 1])
    expect([...moments.take(1)]).toEqual([3])
  })

  it('take the upper triangle in parts, and mirror it', () => {
    const moments = new SecondMoments([3])
    const above = { input: 0, row: 0, column: 1, rows: 1, columns: 2, data: Float32Array.of(2, 3) }
    moments.add([square(0, 0, 1), above, square(0, 1, 5, 6, -1, 9)], 1)
    expect([...moments.take(0)]).toEqual([1, 2, 3, 2, 5, 6, 3, 6, 9])
  })

  it('do not lose small batches beside large ones', () => {
    const moments = new SecondMoments([1])
    moments.add([square(0, 0, 2 ** 30)], 1)
    for (let i = 0; i < 3; i++) moments.add([square(0, 0, 2 ** -10)], 1)
    expect(moments.take(0)[0]).toBe((2 ** 30 + 3 * 2 ** -10) / 4) // in float32 the small ones would vanish
  })

  it('refuse an input that the block does not have', () => {
    expect(() => new SecondMoments([2]).take(1)).toThrow('no layer input 1')
  })
})
