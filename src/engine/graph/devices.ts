import { DEVICE_LABELS, type DeviceReport, PROVIDERS, type ProviderName } from '../../shared/devices'
import { threads } from './devices/computeLimits'
import { deviceOf } from './devices/registry'
import { probeProvider } from './session'

/** Each execution provider that Quail knows: what it computes on, or why it is missing and what to do. */
export async function listDevices(): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = []
  for (const name of PROVIDERS) reports.push(await reportOf(name)) // one after another: one compute session at a time
  return reports
}

async function reportOf(name: ProviderName): Promise<DeviceReport> {
  const obstacle = await probeProvider(name)
  const facts = await deviceOf(name).facts(obstacle === undefined)
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

function detailOf(name: ProviderName, adapters: readonly string[]): string {
  if (name === 'cpu') return `${adapters[0]}, ${threads()} threads`
  return adapters.length === 0 ? 'ready' : adapters.join('; ')
}
