import { describe, expect, it } from 'vitest'
import { listDevices } from '../../../../src/engine/graph/devices'
import { mebibytes } from '../../../../src/engine/graph/devices/graphicsAdapters'
import { measureDevice } from '../../../../src/engine/plan/measureDevice'
import { PROVIDERS } from '../../../../src/shared/devices'

describe('the memory of cards', () => {
  it('is read from what NVIDIA’s program prints, a card a line', () => {
    expect(mebibytes('81559\n24564\n')).toEqual([81559 * 2 ** 20, 24564 * 2 ** 20])
    expect(mebibytes('[N/A]\nNo devices were found\n')).toEqual([])
  })
})

describe('the devices', () => {
  it('name every provider, with a reason for each that is missing', async () => {
    const devices = await listDevices()
    expect(devices.map(({ name }) => name)).toEqual(PROVIDERS)
    for (const { name, available, reason, detail } of devices) {
      expect(detail, name).not.toBe('')
      expect(detail, name).not.toContain('\n')
      if (!available) expect(detail, name).toContain(reason)
      else expect(reason, name).toBeUndefined()
    }
    const processor = devices.find(({ name }) => name === 'cpu')
    expect(processor?.available).toBe(true)
    expect(processor?.limits.find(({ name }) => name === 'memory')?.value).toBeGreaterThan(2 ** 28)
  })

  it.runIf(process.platform === 'linux')('say why what belongs to other systems is missing', async () => {
    const reasons = new Map((await listDevices()).map(({ name, reason }) => [name, reason]))
    expect(reasons.get('dml')).toBe('DirectML is a part of Windows; this is Linux')
    expect(reasons.get('coreml')).toBe('Core ML is a part of macOS; this is Linux')
  })

  it('are measured by a matrix product', async () => {
    const { gflops, bestMs, size, repetitions } = await measureDevice('cpu', new AbortController().signal)
    expect(gflops).toBeGreaterThan(0.1)
    expect(gflops).toBeCloseTo((2 * size ** 3) / bestMs / 1e6, 6)
    expect(repetitions).toBeGreaterThanOrEqual(2)
  })

  it('that are missing cannot be measured, and say so', async () => {
    const missing = process.platform === 'win32' ? 'coreml' : 'dml'
    await expect(measureDevice(missing, new AbortController().signal)).rejects.toMatchObject({
      code: 'DEVICE',
      message: expect.stringContaining(`device ${missing}: `)
    })
  })

  it('stop being measured when that is cancelled', async () => {
    const controller = new AbortController()
    controller.abort()
    await expect(measureDevice('cpu', controller.signal)).rejects.toThrow('abort')
  })
})
