// `npm run package`: builds, then makes dist/linux-unpacked and dist/quail_VERSION_amd64.deb without any download, around
// the runtime that tests use.
//
//   npm run package -- --dir              the folder alone
//   npm run package -- --online [...]     electron-builder as configured, with the Electron of package.json; further
//                                         arguments go to it: --linux AppImage, --win, --mac
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { missingPackages } from './aptSetup.mjs'
import { makeDebianPackage } from './debianPackage.mjs'
import { ensureRuntime, runtimeFolder } from './electronRuntime.mjs'

const root = resolve(import.meta.dirname, '..')
export const packagedFolder = join(root, 'dist/linux-unpacked')
export const packagedProgram = join(packagedFolder, 'quail')

/** Builds the folder around the runtime of the tests; hardened by fuses as a released package is. */
export async function packageFolder() {
  await ensureRuntime()
  const { build, Platform } = await import('electron-builder')
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  await build({
    projectDir: root,
    targets: Platform.LINUX.createTarget('dir'),
    publish: 'never',
    config: {
      extends: 'electron-builder.yml',
      electronDist: runtimeFolder,
      electronVersion: readFileSync(join(runtimeFolder, 'version'), 'utf8').trim(),
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
  run('npm', ['run', '--silent', 'build'])
  if (args.includes('--online')) {
    run('npx', ['electron-builder', '--publish', 'never', ...args.filter((arg) => arg !== '--online')])
  } else {
    await packageFolder()
    console.log(packagedFolder)
    if (!args.includes('--dir')) {
      if (missingPackages(['debian']).length > 0) process.exit(1)
      console.log(await makeDebianPackage(packagedFolder, join(root, 'dist')))
    }
  }
  if (!existsSync(join(root, 'dist'))) process.exitCode = 1
}
