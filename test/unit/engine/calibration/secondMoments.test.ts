import { describe, expect, it } from 'vitest'
import { SecondMoments } from '../../../../src/engine/calibration/secondMoments'

describe('second moments', () => {
  it('are the mean over tokens, added up over batches', () => {
    const moments = new SecondMoments([2, 1])
    moments.add([{ input: 0, begin: 0, data: Float32Array.of(1, 2, 2, 4) }], 1)
    moments.add(
      [
        { input: 0, begin: 0, data: Float32Array.of(3, 0, 0, 0) },
        { input: 1, begin: 0, data: Float32Array.of(12) }
      ],
      3
    )
    expect(moments.tokenCount).toBe(4)
    expect([...moments.take(0)]).toEqual([1, 0.5, 0.5, 1])
    expect([...moments.take(1)]).toEqual([3])
  })

  it('take matrices in parts of rows', () => {
    const moments = new SecondMoments([3])
    moments.add(
      [
        { input: 0, begin: 0, data: Float32Array.of(1, 2, 3) },
        { input: 0, begin: 1, data: Float32Array.of(4, 5, 6, 7, 8, 9) }
      ],
      1
    )
    expect([...moments.take(0)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('do not lose small batches beside large ones', () => {
    const moments = new SecondMoments([1])
    moments.add([{ input: 0, begin: 0, data: Float32Array.of(2 ** 30) }], 1)
    for (let i = 0; i < 3; i++) moments.add([{ input: 0, begin: 0, data: Float32Array.of(2 ** -10) }], 1)
    expect(moments.take(0)[0]).toBe((2 ** 30 + 3 * 2 ** -10) / 4) // in float32 the small ones would vanish
  })

  it('refuse an input that the block does not have', () => {
    expect(() => new SecondMoments([2]).take(1)).toThrow('no layer input 1')
  })
})
