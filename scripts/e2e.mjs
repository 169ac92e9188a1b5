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

// A window that the system ended takes the other tests of its file with it; on a machine of many that happens.
const display = process.env.DISPLAY ? [] : ['xvfb-run', '-a', '-s', '-screen 0 1280x1024x24']
runVitest(['--config', 'vitest.e2e.config.ts', ...process.argv.slice(2)], display, { again: true })
