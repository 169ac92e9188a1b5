import { afterAll } from 'vitest'
import { elementwiseProbe } from '../../src/engine/graph/deviceProbe'
import { listDevices } from '../../src/engine/graph/devices'
import { GraphSession } from '../../src/engine/graph/session'
import type { DeviceReport } from '../../src/shared/devices'

interface Found {
  readonly device?: DeviceReport | undefined
  /** Why the tests are skipped; undefined where the device computes. */
  readonly missing?: string | undefined
}

/**
 * WebGPU as it is here, for all tests of a file; where it is missing, that is told.
 *
 * A session of the smallest graph stays until the last of them: the library gives its device up with its last session, and
 * every shader that was compiled for it. Software takes longer to compile most of them than to compute with them.
 *
 * @param tests - what is skipped then, as `the tests of products on a device`
 */
export async function webgpuDevice(tests: string): Promise<Found> {
  const device = (await listDevices()).find(({ name }) => name === 'webgpu')
  if (device?.available !== true) {
    const missing = device?.detail ?? 'webgpu is not known'
    console.log(`${tests} are skipped: ${missing}`)
    return { device, missing }
  }
  const held = await GraphSession.create(elementwiseProbe(), 'webgpu')
  afterAll(() => held.release())
  return { device }
}
