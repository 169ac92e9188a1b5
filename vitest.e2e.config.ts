import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** By name, and what is packaged last: it builds a package first, which the others need not wait for. */
class ByName extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => `${Number(moduleId.includes('packaged'))}${moduleId}`
    return [...files].sort((a, b) => rank(a).localeCompare(rank(b)))
  }
}

export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/e2e/**/*.spec.ts'],
    pool: 'forks',
    maxWorkers: 1, // one display
    sequence: { sequencer: ByName },
    // The window answers in its own time, on a busy machine late; these limits only stop what hangs.
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 300_000,
    hookTimeout: 300_000
  }
})
