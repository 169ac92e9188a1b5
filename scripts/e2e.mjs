// `npm run test:e2e`: builds, then drives the real window. Arguments go to vitest.
import { missingPackages } from './aptSetup.mjs'
import { build } from './build.mjs'
import { ensureRuntime } from './electronRuntime.mjs'
import { runVitest } from './vitestRun.mjs'

const fail = () => {
  console.log('0 passed, 1 failed')
  process.exit(1)
}

if (missingPackages(['electron']).length > 0) fail()
await ensureRuntime()
if (build() !== 0) fail()

const display = process.env.DISPLAY ? [] : ['xvfb-run', '-a', '-s', '-screen 0 1280x1024x24']
const args = process.argv.slice(2)
// One window serves a whole file: what goes wrong once takes the tests behind it along. Who names tests looks by himself.
runVitest(['--config', 'vitest.e2e.config.ts', ...args], display, { again: args.length === 0 })
