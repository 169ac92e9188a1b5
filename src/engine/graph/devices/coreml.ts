import { type Device, largestTensor, notForRuns, partOf } from './device'

/** Apple's Core ML, in the library that npm brings for macOS on Apple silicon. */
export const coreml: Device = {
  name: 'coreml',
  provider: 'coreml',
  prepare: partOf('darwin', 'Core ML is a part of macOS'),
  remedy: notForRuns,
  facts: async (available) => ({ adapters: [], limits: available ? [largestTensor] : [] })
}
