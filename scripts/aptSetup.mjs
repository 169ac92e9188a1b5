// Finds the Debian packages that a part of Quail needs, and installs the missing ones when run by root.
//
//   node scripts/aptSetup.mjs [build] [python] [webgpu] [electron] [debian]      all of them when none is named
import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'

const GROUPS = {
  build: ['g++', 'make', 'python3'],
  python: ['python3', 'python3-venv'],
  webgpu: ['libvulkan1'],
  electron: ['libgtk-3-0', 'libnss3', 'libasound2', 'libgbm1', 'xvfb', 'xauth'],
  debian: ['dpkg', 'fakeroot']
}

const succeeds = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0

/** Newer Debian and Ubuntu carry some libraries under a name that ends in t64. */
const isInstalled = (name) =>
  [name, `${name}t64`].some((candidate) => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholder
    const answer = spawnSync('dpkg-query', ['-W', '-f=${Status}', candidate], { encoding: 'utf8' })
    return answer.status === 0 && answer.stdout === 'install ok installed'
  })

function install(packages) {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args) => spawnSync('apt-get', args, { stdio: ['ignore', 2, 2], env: environment }).status === 0
  return apt('update', '-qq') && apt('install', '-y', '-qq', '--no-install-recommends', ...packages)
}

/**
 * Names the packages of these groups that are still missing after trying to install them.
 * Says on stderr what it does, or which line the user has to run.
 */
export function missingPackages(groups) {
  if (!succeeds('dpkg-query', ['--version'])) return [] // not Debian: what is missing will speak for itself
  const missing = [...new Set(groups.flatMap((group) => GROUPS[group]))].filter((name) => !isInstalled(name))
  if (missing.length === 0) return []
  if (process.getuid() === 0) {
    console.error(`installing Debian packages: ${missing.join(' ')}`)
    if (install(missing)) return []
  }
  console.error(`Debian packages are missing; run: sudo apt-get update && sudo apt-get install -y ${missing.join(' ')}`)
  return missing
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const asked = process.argv.slice(2)
  const unknown = asked.filter((group) => !Object.hasOwn(GROUPS, group))
  if (unknown.length > 0) {
    console.error(`unknown group ${unknown.join(', ')}; known are ${Object.keys(GROUPS).join(', ')}`)
    process.exit(2)
  }
  process.exitCode = missingPackages(asked.length > 0 ? asked : Object.keys(GROUPS)).length === 0 ? 0 : 1
}
