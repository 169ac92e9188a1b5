import { type Device, largestTensor, notForRuns, partOf } from './device'
import { graphicsAdapters } from './graphicsAdapters'

/** Graphics cards through DirectML, in the library that npm brings for Windows. */
export const dml: Device = {
  name: 'dml',
  provider: { name: 'dml', deviceId: 0 },
  prepare: partOf('win32', 'DirectML is a part of Windows'),
  remedy: notForRuns,
  facts: async (available) => ({
    adapters: available ? await graphicsAdapters() : [],
    limits: available ? [largestTensor] : []
  })
}
