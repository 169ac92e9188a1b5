import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

const softwareVulkan = resolve('.electron/dist/vk_swiftshader_icd.json')

export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    pool: 'forks', // native add-ons are safest in child processes
    maxWorkers: 2,
    // Integration tests run a whole model on a machine that may be busy; these limits only stop what hangs.
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // WebGPU without a graphics card: the software adapter that comes with the Electron runtime, where it is unpacked.
    env: existsSync(softwareVulkan) ? { VK_ICD_FILENAMES: softwareVulkan } : {},
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text'] }
  }
})
