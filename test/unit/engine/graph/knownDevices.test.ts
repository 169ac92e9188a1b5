import { afterEach, expect, it, vi } from 'vitest'
import { deviceLockMemory } from '../../../../src/engine/graph/deviceLock'
import { mockCard } from '../../../helpers/failingCard'

/** Modules of their own, as each thread of the engine has them, and the memory that all threads share. */
async function thread(memory: SharedArrayBuffer) {
  vi.resetModules()
  const { shareDeviceLocks } = await import('../../../../src/engine/graph/deviceLock')
  shareDeviceLocks(memory)
  return import('../../../../src/engine/graph/knownDevices')
}

afterEach(() => {
  vi.restoreAllMocks()
})

it('are looked for once, and once more in every thread after somebody asked anew in one', async () => {
  let probes = 0
  let lost: string | undefined = 'no adapter'
  mockCard(() => {
    probes++
    return lost
  })
  const memory = deviceLockMemory()
  const [asking, planning] = [await thread(memory), await thread(memory)]
  const webgpu = async () => (await planning.knownDevices()).find(({ name }) => name === 'webgpu')?.available
  expect(await webgpu()).toBe(false)
  lost = undefined
  expect(await webgpu()).toBe(false)
  expect(probes).toBe(1)
  const found = await asking.lookForDevices()
  expect(found.find(({ name }) => name === 'webgpu')?.available).toBe(true)
  expect(await webgpu()).toBe(true)
  expect(await webgpu()).toBe(true)
  expect(probes).toBe(3)
})
