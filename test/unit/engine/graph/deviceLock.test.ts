import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { alone, deviceLockMemory, shareDeviceLocks } from '../../../../src/engine/graph/deviceLock'
import { PROVIDERS } from '../../../../src/shared/devices'

describe('a device', () => {
  it('is computed on by one at a time, and is free again after a failure', async () => {
    let working = 0
    let most = 0
    const work = async (i: number): Promise<number> => {
      most = Math.max(most, ++working)
      await sleep(1)
      working--
      if (i % 3 === 0) throw new Error('it failed')
      return i
    }
    const done = await Promise.allSettled([0, 1, 2, 3, 4, 5].map((i) => alone('webgpu', () => work(i))))
    expect(most).toBe(1)
    expect(done.map(({ status }) => status)).toEqual(
      [0, 1, 2, 3, 4, 5].map((i) => (i % 3 === 0 ? 'rejected' : 'fulfilled'))
    )
  })

  it('waits for another thread that holds it, while other devices do not', async () => {
    const memory = deviceLockMemory()
    shareDeviceLocks(memory)
    const words = new Int32Array(memory)
    Atomics.store(words, PROVIDERS.indexOf('cuda'), 1) // as another thread does
    let got = false
    const waiting = alone('cuda', async () => {
      got = true
    })
    expect(await alone('webgpu', async () => 'at once')).toBe('at once')
    expect(await alone('cpu', async () => 'at once')).toBe('at once')
    await sleep(20)
    expect(got).toBe(false)
    Atomics.store(words, PROVIDERS.indexOf('cuda'), 0)
    await waiting
    expect(got).toBe(true)
  })
})
