import { cpus, freemem, totalmem } from 'node:os'
import type { DeviceReport, ProviderName } from '../../shared/devices'
import { PROVIDERS, runsOn } from '../../shared/devices'
import { graphicsAdapters, nvidiaDriver, vulkanDrivers } from './graphicsAdapters'
import { probeProvider, TENSOR_LIMIT_BYTES, threads } from './session'

const LABELS: Readonly<Record<ProviderName, string>> = {
  cpu: 'Processor',
  webgpu: 'WebGPU',
  cuda: 'CUDA',
  dml: 'DirectML',
  coreml: 'Core ML'
}

/** Providers that exist on one system only: asking the library there would only say that it does not know them. */
const ONLY_ON: Partial<Readonly<Record<ProviderName, { platform: NodeJS.Platform; reason: string }>>> = {
  dml: { platform: 'win32', reason: 'DirectML is a part of Windows' },
  coreml: { platform: 'darwin', reason: 'Core ML is a part of macOS' }
}

const SYSTEMS: Partial<Readonly<Record<NodeJS.Platform, string>>> = {
  linux: 'Linux',
  win32: 'Windows',
  darwin: 'macOS'
}

/** Each execution provider that Quail knows: what it computes on, or why it is missing and what to do. */
export async function listDevices(): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = []
  for (const name of PROVIDERS) reports.push(await reportOf(name)) // one after another: one compute session at a time
  return reports
}

async function reportOf(name: ProviderName): Promise<DeviceReport> {
  const missing = await reasonWhyMissing(name)
  const { adapters, limits } = await factsOf(name, missing === undefined)
  const base = { name, label: LABELS[name], available: missing === undefined, adapters, limits }
  if (missing === undefined) return { ...base, detail: detailOf(name, adapters) }
  const remedy = remedyOf(name)
  return {
    ...base,
    detail: remedy === undefined ? missing : `${missing}; ${remedy}`,
    reason: missing,
    ...(remedy && { remedy })
  }
}

async function reasonWhyMissing(name: ProviderName): Promise<string | undefined> {
  const only = ONLY_ON[name]
  if (only !== undefined && process.platform !== only.platform)
    return `${only.reason}; this is ${SYSTEMS[process.platform] ?? process.platform}`
  return probeProvider(name)
}

function detailOf(name: ProviderName, adapters: readonly string[]): string {
  if (name === 'cpu') return `${adapters[0]}, ${threads()} threads`
  return adapters.length === 0 ? 'ready' : adapters.join('; ')
}

/** What to do about a provider that is missing, where something can be done on this system. */
function remedyOf(name: ProviderName): string | undefined {
  if (!runsOn(name)) return 'nothing needs to be done: runs compute on the processor or WebGPU, whatever else is there'
  const linux = process.platform === 'linux'
  if (name === 'webgpu' && linux)
    return 'it needs libvulkan1 and the Vulkan driver of the graphics card (mesa-vulkan-drivers, or NVIDIA’s own)'
  if (name === 'webgpu') return 'it needs a graphics card with a current driver'
  return undefined
}

type Facts = Pick<DeviceReport, 'adapters' | 'limits'>

async function factsOf(name: ProviderName, available: boolean): Promise<Facts> {
  if (name === 'cpu') return processorFacts()
  if (name === 'webgpu') return webgpuFacts(available)
  if (name === 'cuda') return cudaFacts()
  return { adapters: [], limits: [] }
}

const largestTensor = { name: 'largest tensor', value: TENSOR_LIMIT_BYTES, unit: 'bytes' } as const

function processorFacts(): Facts {
  const cores = cpus()
  return {
    adapters: [cores[0]?.model.trim() || 'processor'],
    limits: [
      { name: 'cores', value: cores.length },
      { name: 'threads in use', value: threads() },
      { name: 'memory', value: totalmem(), unit: 'bytes' },
      { name: 'memory free', value: freemem(), unit: 'bytes' },
      largestTensor
    ]
  }
}

/** The library does not say which adapter it took; with a single one, or a driver that was chosen, there is no doubt. */
async function webgpuFacts(available: boolean): Promise<Facts> {
  const drivers = await vulkanDrivers()
  const software = drivers.length > 0 && drivers.every((driver) => /swiftshader|lvp|llvmpipe/.test(driver))
  const cards = await graphicsAdapters()
  const adapters = software ? (available ? [`software adapter (${drivers.join(', ')}) on the processor`] : []) : cards
  return {
    adapters,
    limits: [
      ...(drivers.length === 0 ? [] : [{ name: 'Vulkan drivers', value: drivers.join(', ') }]),
      ...(available ? [largestTensor] : [])
    ]
  }
}

async function cudaFacts(): Promise<Facts> {
  const driver = await nvidiaDriver()
  const cards = (await graphicsAdapters()).filter((card) => card.startsWith('NVIDIA'))
  return { adapters: cards, limits: driver === undefined ? [] : [{ name: 'NVIDIA driver', value: driver }] }
}
