import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'
import { longestFirst } from './test/helpers/longestFirst.ts'

/** The screens that scripts/e2e.mjs started, or the one that there is. */
const displays = process.env.QUAIL_DISPLAYS?.split(' ') ?? ['']

export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/e2e/**/*.spec.ts'],
    setupFiles: ['test/e2e/ownDisplay.ts'],
    pool: 'forks',
    maxWorkers: displays.length,
    sequence: {
      sequencer: longestFirst(
        [
          'journey',
          'manners',
          'compare',
          'run',
          'sweeps',
          'axe',
          'runs',
          'newRun',
          'data',
          'mixed',
          'packaged',
          'exports'
        ].map((name) => resolve('test/e2e', `${name}.spec.ts`))
      )
    },
    // The window answers in its own time, on a busy machine late; these limits only stop what hangs.
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 300_000,
    hookTimeout: 300_000
  }
})
