import { describe, expect, it } from 'vitest'
import { blockBytes, partedRoom, roomBeside } from '../../../../src/engine/run/deviceRoom'

const GiB = 2 ** 30

describe('room on a device', () => {
  it('is a third of what a block leaves of the smallest card', () => {
    expect(roomBeside(3 * GiB, [24 * GiB])).toBe(7 * GiB)
    expect(roomBeside(3 * GiB, [80 * GiB, 24 * GiB])).toBe(7 * GiB)
    expect(roomBeside(0, [24 * GiB])).toBe(8 * GiB)
  })

  it('is none where the block at hand hardly fits', () => {
    expect(roomBeside(9 * GiB, [8 * GiB])).toBe(0)
  })

  it('is small where nobody says how much memory there is', () => {
    expect(roomBeside(GiB, [])).toBe(256 * 2 ** 20)
  })

  it('leaves a block three times its weights, or what a linear is solved with where that is more', () => {
    const linear = (input: number, inFeatures: number, outFeatures: number) => ({ input, inFeatures, outFeatures })
    const square = [0, 0, 1].map((input) => linear(input, 10, 10))
    expect(blockBytes(square)).toBe(3 * 3 * 4 * 100)
    // A parallel block: H of the first input stays while the output of attention is solved.
    const parallel = [linear(0, 8, 2), linear(1, 20, 8), linear(0, 8, 3), linear(2, 90, 1)]
    const weights = 4 * (16 + 160 + 24 + 90)
    expect(blockBytes(parallel)).toBe(2 * weights + 4 * (2 * 90 + 90 ** 2))
    expect(blockBytes(parallel.slice(0, 3))).toBe(2 * 4 * 200 + 4 * (2 * 160 + 8 ** 2 + 20 ** 2))
  })

  it('leaves it H of all its inputs, too, where it is solved several times', () => {
    const linear = (input: number, inFeatures: number, outFeatures: number) => ({ input, inFeatures, outFeatures })
    const moments = 8 ** 2 + 20 ** 2
    const flat = [linear(0, 8, 2), linear(1, 20, 90)]
    expect(blockBytes(flat, 2)).toBe(4 * (2 * (16 + 1800) + 2 * 1800 + moments))
    const even = [linear(0, 8, 20), linear(1, 20, 8), linear(0, 8, 20)]
    expect(blockBytes(even, 2)).toBe(4 * (2 * 480 + 480 + moments))
  })

  it('leaves it an expert with its bits, where that is more, and H beside it while rows go through several times', () => {
    const linears = [{ input: 0, inFeatures: 10, outFeatures: 10 }]
    const expert = 4 * 1000
    expect(blockBytes(linears, 1, expert)).toBe(2 * 400 + 1.5 * expert)
    expect(blockBytes(linears, 2, expert)).toBe(2 * 400 + 1.5 * expert + 400)
    expect(blockBytes(linears, 1, 4)).toBe(blockBytes(linears))
  })

  it('is that of experts first, and what they leave that of hidden states', () => {
    expect(partedRoom(7 * GiB, 3 * GiB)).toEqual({ experts: 3 * GiB, states: 4 * GiB })
    expect(partedRoom(2 * GiB, 3 * GiB)).toEqual({ experts: 2 * GiB, states: 0 })
    expect(partedRoom(GiB, 0)).toEqual({ experts: 0, states: GiB })
  })
})
