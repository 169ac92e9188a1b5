import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkCudaFiles, foldersFile } from './cudaFiles'
import declared from './cudaProvider.json'
import { type Device, type Facts, largestTensor, memoryLimits, type Obstacle, systemName } from './device'
import { graphicsAdapters, nvidiaDriver, nvidiaMemory } from './graphicsAdapters'
import { libraryFolders, loadLibrary } from './sharedLibraries'

/** NVIDIA's cards through CUDA 13: two files of onnxruntime's own build for it, and NVIDIA's libraries. */
export const cuda: Device = {
  name: 'cuda',
  provider: { name: 'cuda', deviceId: 0 },
  prepare,
  remedy: () => 'it needs an NVIDIA card, and a driver of release 580 or newer',
  facts
}

async function prepare(): Promise<Obstacle | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { reason: `Quail computes through CUDA on Linux on x64; this is ${systemName()} on ${process.arch}` }
  }
  // NVIDIA's libraries multiply float32 in TF32 otherwise: errors of 3e-4. The binding passes no provider option. They read
  // the environment of the process, which the engine's threads share: a thread's own copy would not reach them.
  process.env.NVIDIA_TF32_OVERRIDE = '0'
  const files = await checkCudaFiles()
  if (files !== undefined) return files
  return loadCudaLibraries(libraryFolders(foldersFile()))
}

/**
 * Loads what the provider is linked against, from where the system's loader finds it or else from these folders.
 *
 * @returns what is missing, and the one line that brings it
 */
export function loadCudaLibraries(folders: readonly string[]): Obstacle | undefined {
  const missing = declared.libraries.filter(({ name }) => !loads(name, folders))
  const driver = loadLibrary(declared.driver) === undefined ? [] : [declared.driver]
  const names = [...missing.map(({ name }) => name), ...driver]
  if (names.length === 0) return undefined
  const places = ['where the system’s loader looks', ...folders]
  const packages = [...new Set(missing.map(({ pip }) => `"${pip}"`))]
  const remedies = [
    ...(packages.length > 0
      ? [`in a Python environment run “python3 -m pip install ${packages.join(' ')}”, then “npm run setup:cuda” there`]
      : []),
    ...(driver.length > 0 ? ['install NVIDIA’s driver, release 580 or newer'] : [])
  ]
  return {
    reason: `${names.join(', ')} cannot be loaded; looked ${places.join(', in ')}`,
    remedy: remedies.join('; ')
  }
}

function loads(name: string, folders: readonly string[]): boolean {
  const found = folders.map((folder) => join(folder, name)).filter(existsSync)
  return [...found, name].some((library) => loadLibrary(library) === undefined)
}

async function facts(available: boolean): Promise<Facts> {
  const driver = await nvidiaDriver()
  const cards = (await graphicsAdapters()).filter((card) => card.startsWith('NVIDIA'))
  return {
    adapters: cards,
    limits: [
      ...(driver === undefined ? [] : [{ name: 'NVIDIA driver', value: driver }]),
      ...memoryLimits(await nvidiaMemory()),
      ...(available ? [largestTensor] : [])
    ]
  }
}
