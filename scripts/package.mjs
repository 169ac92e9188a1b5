// `npm run package`: builds, then makes dist/linux-unpacked and dist/quail_VERSION_amd64.deb without any download, around
// the Electron of package.json. Where that is not here, the folder is made around the one that tests use, and a .deb
// only on request: nobody fixes its holes any more.
//
//   npm run package -- --dir              the folder alone
//   npm run package -- --unsupported-electron
//                                         also a .deb around the runtime of the tests
//   npm run package -- --online [...]     electron-builder as configured, with the Electron of package.json; further
//                                         arguments go to it: --linux AppImage, --win, --mac
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { missingPackages } from './aptSetup.mjs'
import { build } from './build.mjs'
import { makeDebianPackage } from './debianPackage.mjs'
import { chooseRuntime } from './electronRuntime.mjs'

const UNSUPPORTED = '--unsupported-electron'
const root = resolve(import.meta.dirname, '..')
export const packagedFolder = join(root, 'dist/linux-unpacked')
export const packagedProgram = join(packagedFolder, 'quail')

/** Builds the folder around a runtime; hardened by fuses as a released package is. */
export async function packageFolder({ folder, version }) {
  const { build: pack, Platform } = await import('electron-builder')
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  await pack({
    projectDir: root,
    targets: Platform.LINUX.createTarget('dir'),
    publish: 'never',
    config: {
      extends: 'electron-builder.yml',
      electronDist: folder,
      electronVersion: version,
      // Electron's own distribution is packed without it; a folder given as electronDist is copied as it is.
      afterPack: ({ appOutDir }) => rmSync(join(appOutDir, 'resources/default_app.asar'), { force: true })
    }
  })
}

function run(program, args) {
  const { status } = spawnSync(program, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const args = process.argv.slice(2)
  if (build() !== 0) process.exit(1)
  if (args.includes('--online')) {
    run('npx', ['electron-builder', '--publish', 'never', ...args.filter((arg) => arg !== '--online')])
  } else {
    const runtime = await chooseRuntime()
    await packageFolder(runtime)
    console.log(packagedFolder)
    if (args.includes('--dir')) process.exit()
    if (runtime.carried && !args.includes(UNSUPPORTED)) {
      console.error(
        `no .deb is made around Electron ${runtime.version}: whoever installs it has its holes; ${UNSUPPORTED} makes one all the same`
      )
      process.exit(1)
    }
    if (missingPackages(['debian']).length > 0) process.exit(1)
    console.log(await makeDebianPackage(packagedFolder, join(root, 'dist')))
  }
  if (!existsSync(join(root, 'dist'))) process.exitCode = 1
}
