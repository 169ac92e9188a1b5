import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { SELDOM_FLAG } from './src/engine/graph/collectGarbage'

const softwareVulkan = resolve('.electron/dist/vk_swiftshader_icd.json')

/** Of the files that take longest, longest first: one that is begun late keeps one worker while the other has nothing to do. */
const LONG = [
  'integration/figures',
  'integration/run',
  'integration/rankBudget',
  'integration/webgpu',
  'fuzz/fuzz',
  'integration/commandLineRuns',
  'integration/refine',
  'integration/commandLineSweep',
  'integration/kill',
  'integration/offline',
  'integration/keptMoments',
  'integration/curvature',
  'integration/storedBase',
  'integration/workbenchQueue',
  'integration/acceptance',
  'golden/gradients',
  'integration/tokenizerHelper',
  'integration/deviceFailure',
  'integration/preflight',
  'integration/templateDate'
].map((name) => resolve('test', `${name}.test.ts`))

const lost = LONG.filter((path) => !existsSync(path))
if (lost.length > 0) throw new Error(`vitest.config.ts names files that are not there: ${lost.join(', ')}`)

/** The long files first; the others as vitest orders them, by what they took the last time or by their size. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => (LONG.includes(moduleId) ? LONG.indexOf(moduleId) : LONG.length)
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    pool: 'forks', // native add-ons are safest in child processes
    // As `collectSeldom` does for threads that compute: runs in a process of tests looked for garbage nine times a second.
    execArgv: [SELDOM_FLAG],
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // Integration tests run a whole model on a machine that may be busy; these limits only stop what hangs.
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // WebGPU without a graphics card: the software adapter that comes with the Electron runtime, where it is unpacked.
    env: existsSync(softwareVulkan) ? { VK_ICD_FILENAMES: softwareVulkan } : {},
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text'] }
  }
})
