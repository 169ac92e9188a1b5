import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'

/*
 * Libraries that lie outside the loader's path. A library that is loaded once under its name (SONAME) serves everything
 * that asks for that name later, from wherever: so each is loaded from where it was found, before what needs it. No
 * environment has to be changed for that, which a program could do only for its children.
 */

/** glibc's RTLD_NODELETE: the library stays when Node closes it again because it is no addon. */
const RTLD_NODELETE = 0x1000

/**
 * Loads a library for good, on Linux.
 *
 * @param library - a path, or a name that the system's loader looks for
 * @returns undefined when it is loaded, else the loader's own reason
 */
export function loadLibrary(library: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_LAZY | RTLD_NODELETE)
    return undefined
  } catch (error) {
    const message = (error as Error).message
    return message.includes('did not self-register') ? undefined : message
  }
}

/** Where toolkits and Python environments put their libraries, in the order in which they are looked through. */
export function libraryFolders(listed: string, env: NodeJS.ProcessEnv = process.env): string[] {
  const toolkits = [env.CUDA_HOME, env.CUDA_PATH, ...versionsOf('/usr/local', 'cuda'), '/opt/cuda']
  const environments = [env.VIRTUAL_ENV, env.CONDA_PREFIX]
  const folders = [
    ...linesOf(listed),
    ...(env.LD_LIBRARY_PATH ?? '').split(':'),
    ...environments.flatMap((root) => (root ? pythonLibraries(root) : [])),
    ...toolkits.flatMap((root) => (root ? [join(root, 'lib64'), join(root, 'targets/x86_64-linux/lib')] : []))
  ]
  return [...new Set(folders)].filter((folder) => folder !== '' && existsSync(folder))
}

/** `lib` of NVIDIA's packages in a Python environment, and its own (conda puts libraries there). */
function pythonLibraries(root: string): string[] {
  const lib = join(root, 'lib')
  const packages = versionsOf(lib, 'python').map((python) => join(python, 'site-packages/nvidia'))
  return [...packages.flatMap((folder) => namesIn(folder).map((name) => join(folder, name, 'lib'))), lib]
}

/** Folders whose names begin so, the newest first. */
const versionsOf = (folder: string, prefix: string): string[] =>
  namesIn(folder)
    .filter((name) => name.startsWith(prefix))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map((name) => join(folder, name))

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}
