import { DEVICE_LABELS, type DeviceReport, PROVIDERS, type ProviderName } from '../../shared/devices'
import { threads } from './devices/computeLimits'
import { type Facts, type Obstacle, largestTensor as ofTensor } from './devices/device'
import { deviceOf } from './devices/registry'
import { largestTensor } from './largestTensor'
import { DeviceError, probeProvider } from './session'

/** Each execution provider that Quail knows: what it computes on, or why it is missing and what to do. */
export async function listDevices(): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = []
  for (const name of PROVIDERS) reports.push(await reportOf(name)) // one after another: one compute session at a time
  return reports
}

async function reportOf(name: ProviderName): Promise<DeviceReport> {
  const { obstacle, facts } = await found(name)
  const base = { name, label: DEVICE_LABELS[name], available: obstacle === undefined, ...facts }
  if (obstacle === undefined) return { ...base, detail: detailOf(name, facts.adapters) }
  const { reason, remedy } = obstacle
  return {
    ...base,
    detail: remedy === undefined ? reason : `${reason}; ${remedy}`,
    reason,
    ...(remedy !== undefined && { remedy })
  }
}

/** What is known of a provider, with the tensors that it was seen to compute: software takes seconds for that, and is not asked. */
async function found(name: ProviderName): Promise<{ readonly facts: Facts; readonly obstacle?: Obstacle | undefined }> {
  const obstacle = await probeProvider(name)
  const facts = await deviceOf(name).facts(obstacle === undefined)
  if (obstacle !== undefined || facts.software === true) return { facts, obstacle }
  try {
    const value = await largestTensor(name)
    const limits = facts.limits.map((limit) => (limit.name === ofTensor.name ? { ...limit, value } : limit))
    return { facts: { ...facts, limits } }
  } catch (error) {
    if (error instanceof DeviceError) return { facts, obstacle: error.obstacle }
    throw error
  }
}

function detailOf(name: ProviderName, adapters: readonly string[]): string {
  if (name === 'cpu') return `${adapters[0]}, ${threads()} threads`
  return adapters.length === 0 ? 'ready' : adapters.join('; ')
}
