import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/e2e/**/*.spec.ts'],
    pool: 'forks',
    maxWorkers: 1, // one display
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
