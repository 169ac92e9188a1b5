import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'
import { SELDOM_FLAG } from './src/engine/graph/collectGarbage.ts'
import { longestFirst } from './test/helpers/longestFirst.ts'
import { sharingFiles } from './test/helpers/sharedProcess.ts'

const softwareVulkan = resolve('.electron/dist/vk_swiftshader_icd.json')

/** The files that take longest, longest first. */
const LONG = [
  'integration/figures',
  'integration/webgpu',
  'integration/run',
  'integration/walkedStates',
  'integration/commandLineRuns',
  'integration/statesThere',
  'integration/commandLineSweep',
  'integration/offline',
  'integration/kill',
  'fuzz/fuzz',
  'golden/gradients',
  'integration/refine',
  'integration/storedBase',
  'integration/keptMoments',
  'integration/rankBudget',
  'integration/diskFull',
  'integration/badInput',
  'integration/tokenizerHelper',
  'integration/workbenchQueue',
  'integration/enoughRows',
  'integration/solverThreads',
  'integration/refineFaults',
  'integration/commandLineRefine',
  'integration/preflight',
  'integration/templateDate',
  'integration/acceptance',
  'integration/commandLine',
  'integration/curvature',
  'unit/engine/formats/workWatch',
  'golden/heads',
  'unit/engine/prepare/templateDate',
  'integration/deviceFailure',
  'integration/commandLineExports',
  'integration/workbenchSharing',
  'integration/packedUploads',
  'integration/outputLost',
  'integration/deviceMemory',
  'integration/plannedMemoryLong',
  'unit/engine/run/lock',
  'unit/engine/prepare/checkpointFindings',
  'integration/calibrationCommands',
  'unit/engine/prepare/preflight'
].map((name) => resolve('test', `${name}.test.ts`))

/** Begun last: a process is handed on from one of them to the next, and ends before a file that has one of its own. */
const SHARING = sharingFiles(LONG)

export default defineConfig({
  test: {
    environment: 'node',
    projects: [
      { extends: true, test: { name: 'own process', include: ['test/**/*.test.ts'], exclude: SHARING } },
      { extends: true, test: { name: 'shared process', include: SHARING, isolate: false } }
    ],
    pool: 'forks', // native add-ons are safest in child processes
    // As `collectSeldom` does for threads that compute: runs in a process of tests looked for garbage nine times a second.
    execArgv: [SELDOM_FLAG],
    maxWorkers: 2,
    sequence: { sequencer: longestFirst(LONG, SHARING) },
    // Integration tests run a whole model on a machine that may be busy; these limits only stop what hangs.
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // WebGPU without a graphics card: the software adapter that comes with the Electron runtime, where it is unpacked.
    env: existsSync(softwareVulkan) ? { VK_ICD_FILENAMES: softwareVulkan } : {},
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text'] }
  }
})
