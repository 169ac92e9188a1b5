import { type Device, type Facts, largestTensor, memoryLimits, type Obstacle } from './device'
import { amdMemory, graphicsAdapters, nvidiaMemory } from './graphicsAdapters'
import { hasVulkanDriver, vulkanDrivers } from './vulkanDrivers'

/** Graphics cards of any vendor through WebGPU (Dawn), which is part of the library. */
export const webgpu: Device = {
  name: 'webgpu',
  provider: 'webgpu',
  prepare,
  keepsTensors: true,
  memory,
  facts,
  remedy: () => (process.platform === 'linux' ? LINUX_REMEDY : 'it needs a graphics card with a current driver')
}

const LINUX_REMEDY =
  'it needs libvulkan1 and the Vulkan driver of the graphics card (mesa-vulkan-drivers, or NVIDIA’s own)'

/** Drivers do not go while a process works. */
let found = false

/** Without a driver the library writes lines of its own to the terminal, which nothing turns off. */
async function prepare(): Promise<Obstacle | undefined> {
  if (process.platform !== 'linux' || found || (await hasVulkanDriver())) {
    found = true
    return undefined
  }
  return { reason: 'no Vulkan driver is installed', remedy: `${LINUX_REMEDY}; VK_DRIVER_FILES names one elsewhere` }
}

const isSoftware = (drivers: readonly string[]): boolean =>
  drivers.length > 0 && drivers.every((driver) => /swiftshader|lvp|llvmpipe/.test(driver))

async function memory(): Promise<number[]> {
  if (isSoftware(await vulkanDrivers())) return []
  return [...(await nvidiaMemory()), ...(await amdMemory())]
}

/** The library does not say which adapter it took; with a single one, or a driver that was chosen, there is no doubt. */
async function facts(available: boolean): Promise<Facts> {
  const drivers = await vulkanDrivers()
  const software = isSoftware(drivers)
  const cards = await graphicsAdapters()
  const adapters = software ? (available ? [`software adapter (${drivers.join(', ')}) on the processor`] : []) : cards
  return {
    adapters,
    ...(software && { software }),
    limits: [
      ...(drivers.length === 0 ? [] : [{ name: 'Vulkan drivers', value: drivers.join(', ') }]),
      ...memoryLimits(await memory()),
      ...(available ? [largestTensor] : [])
    ]
  }
}
