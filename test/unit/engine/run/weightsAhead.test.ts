import { describe, expect, it } from 'vitest'
import type { ReadBlockWeights } from '../../../../src/engine/models/blockWeights'
import { WeightsAhead } from '../../../../src/engine/run/weightsAhead'

const weightsOf = (block: number): ReadBlockWeights => ({
  linears: new Map([['q', Float32Array.of(block)]]),
  bits: new Map(),
  parameters: {}
})

describe('weights that are read ahead', () => {
  it('are those of the block that is asked for, each read once', async () => {
    const read: number[] = []
    const ahead = new WeightsAhead(async (block) => {
      read.push(block)
      return weightsOf(block)
    })
    for (const block of [0, 1, 2]) {
      expect((await ahead.take(block)).linears.get('q')).toEqual(Float32Array.of(block))
      ahead.begin(block + 1)
    }
    expect(read).toEqual([0, 1, 2, 3])
    expect((await ahead.take(1)).linears.get('q')).toEqual(Float32Array.of(1))
    expect(read).toEqual([0, 1, 2, 3, 1])
  })

  it('give an error of reading where they are taken, and not before', async () => {
    const ahead = new WeightsAhead(async (block) => {
      throw new Error(`block ${block} cannot be read`)
    })
    ahead.begin(4)
    await new Promise((resolve) => setTimeout(resolve, 5))
    await expect(ahead.take(4)).rejects.toThrow('block 4 cannot be read')
    ahead.begin(5)
    await ahead.release()
  })

  it('are let go of once they have been read', async () => {
    let done = false
    const ahead = new WeightsAhead(async (block) => {
      await new Promise((resolve) => setTimeout(resolve, 10))
      done = true
      return weightsOf(block)
    })
    ahead.begin(1)
    await ahead.release()
    expect(done).toBe(true)
  })
})
