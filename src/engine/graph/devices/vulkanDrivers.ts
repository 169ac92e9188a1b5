import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'

/*
 * Which Vulkan drivers the system's loader finds on Linux: each has a file of JSON in one of some folders. Source: "Driver
 * Discovery on Linux" of the Vulkan loader's LoaderDriverInterface; NixOS builds its loader with one more folder.
 */

/** Files that the environment names in the place of the folders, or beside them. */
const CHOSEN = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES']
const ADDED = 'VK_ADD_DRIVER_FILES'

/** Vulkan drivers that are installed, or that the environment puts in their place: `radeon`, `vk_swiftshader`. */
export async function vulkanDrivers(environment: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const files = filesOf(environment, ...CHOSEN) ?? [
    ...(await Promise.all(driverFolders(environment).map(namesIn))).flat(),
    ...(filesOf(environment, ADDED) ?? [])
  ]
  const names = files.filter((file) => file.endsWith('.json')).map((file) => basename(file, '.json'))
  return [...new Set(names.map((name) => name.replace(/_icd(\..*)?$/, '')))].sort()
}

/** Whether the loader would find any; the environment may also name folders of them. */
export async function hasVulkanDriver(environment: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  return filesOf(environment, ...CHOSEN, ADDED) !== undefined || (await vulkanDrivers(environment)).length > 0
}

/** Of the first of these variables that says anything. */
function filesOf(environment: NodeJS.ProcessEnv, ...variables: readonly string[]): string[] | undefined {
  return variables
    .map((variable) => environment[variable])
    .find(Boolean)
    ?.split(':')
}

function driverFolders({ XDG_CONFIG_HOME, XDG_CONFIG_DIRS, XDG_DATA_HOME, XDG_DATA_DIRS }: NodeJS.ProcessEnv) {
  const folders = [
    XDG_CONFIG_HOME || join(homedir(), '.config'),
    ...(XDG_CONFIG_DIRS || '/etc/xdg').split(':'),
    '/usr/local/etc',
    '/etc',
    XDG_DATA_HOME || join(homedir(), '.local/share'),
    ...(XDG_DATA_DIRS || '/usr/local/share:/usr/share').split(':'),
    // Of loaders that are built to look here whatever XDG_DATA_DIRS says.
    '/usr/local/share',
    '/usr/share',
    '/run/opengl-driver/share'
  ]
  return [...new Set(folders)].map((folder) => join(folder, 'vulkan/icd.d'))
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => [])
