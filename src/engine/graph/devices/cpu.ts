import { cpus, freemem, totalmem } from 'node:os'
import { threads } from './computeLimits'
import { type Device, largestTensor } from './device'

/** The processor, always there. */
export const cpu: Device = {
  name: 'cpu',
  provider: 'cpu',
  facts: async () => ({
    adapters: [cpus()[0]?.model.trim() || 'processor'],
    limits: [
      { name: 'cores', value: cpus().length },
      { name: 'threads in use', value: threads() },
      { name: 'memory', value: totalmem(), unit: 'bytes' },
      { name: 'memory free', value: freemem(), unit: 'bytes' },
      largestTensor
    ]
  })
}
