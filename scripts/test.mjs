// `npm test`: builds, then runs every test that needs neither Python nor a display. Arguments go to vitest.
import { spawnSync } from 'node:child_process'
import { missingPackages } from './aptSetup.mjs'
import { ensureRuntime } from './electronRuntime.mjs'
import { runVitest } from './vitestRun.mjs'

const args = process.argv.slice(2)
const onlySome = args.length > 0

// The WebGPU tests skip themselves where this fails, so it only says why.
if (!onlySome && missingPackages(['webgpu']).length === 0) {
  await ensureRuntime().catch((error) => {
    console.error(`no software WebGPU adapter, its tests are skipped: ${error.message.split('\n')[0]}`)
    console.error('to try again: npm run setup:runtime')
  })
}

const build = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
if (build.status === 0) runVitest(args)
else {
  console.log('0 passed, 1 failed') // the build
  process.exitCode = 1
}
