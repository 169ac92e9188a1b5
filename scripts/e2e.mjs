// `npm run test:e2e`: builds, then drives the real window. Arguments go to vitest.
import { availableParallelism } from 'node:os'
import { missingPackages } from './aptSetup.mjs'
import { build } from './build.mjs'
import { startDisplays } from './displays.mjs'
import { ensureRuntime } from './electronRuntime.mjs'
import { runVitest } from './vitestRun.mjs'

const fail = () => {
  console.log('0 passed, 1 failed')
  process.exit(1)
}

if (missingPackages(['electron']).length > 0) fail()
await ensureRuntime()
if (build() !== 0) fail()

// Half of a window's test is waiting: where screens can be had for nothing, each processor has one.
const own = process.env.DISPLAY ? undefined : await startDisplays(Math.min(2, availableParallelism()))
process.env.QUAIL_DISPLAYS = own?.displays.join(' ') ?? process.env.DISPLAY

const args = process.argv.slice(2)
// One window serves a whole file: what goes wrong once takes the tests behind it along. Who names tests looks by himself.
runVitest(['--config', 'vitest.e2e.config.ts', ...args], { again: args.length === 0 })
own?.stop()
