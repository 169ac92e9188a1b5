// `npm test`: builds, then runs every test that needs neither Python nor a display. Arguments go to vitest.
import { missingPackages } from './aptSetup.mjs'
import { build } from './build.mjs'
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

if (build() === 0) runVitest(args)
else {
  console.log('0 passed, 1 failed') // the build
  process.exitCode = 1
}
