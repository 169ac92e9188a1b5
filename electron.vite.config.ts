import { resolve } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'electron-vite'
import { devDependencies } from './package.json'
import { DEVELOPMENT_HEADERS } from './src/main/pagePolicy'

// electron-vite would take its targets from node_modules/electron, which is far newer than the oldest runtime that we
// support (Node 20; Electron 33 = Node 20.18 and Chromium 130).
const NODE_TARGET = 'node20.18'
const CHROME_TARGET = 'chrome130'

export default defineConfig({
  main: {
    define: { MADE_FOR_ELECTRON: JSON.stringify(devDependencies.electron) },
    build: {
      target: NODE_TARGET,
      sourcemap: true,
      // Only what package.json lists under "dependencies", the native modules, stays outside the bundle.
      externalizeDeps: true,
      rolldownOptions: {
        input: {
          index: resolve('src/main/index.ts'),
          cli: resolve('src/cli/index.ts'),
          command: resolve('src/cli/commandThread.ts'),
          workbench: resolve('src/workbench/entry.ts'),
          engineWorker: resolve('src/engine/worker/entry.ts'),
          sampleWorker: resolve('src/services/samples/entry.ts'),
          solverWorker: resolve('src/engine/solve/entry.ts'),
          tokenizerWorker: resolve('src/engine/ask/tokenizerEntry.ts')
        },
        // No folder for chunks: a path relative to import.meta.dirname then means the same wherever a module lands.
        output: { chunkFileNames: '[name]-[hash].js' }
      }
    }
  },
  preload: {
    build: {
      target: NODE_TARGET,
      // A sandboxed preload is one CommonJS file with nothing but `electron` outside.
      externalizeDeps: false,
      isolatedEntries: true,
      rolldownOptions: {
        input: { index: resolve('src/preload/index.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' }
      }
    }
  },
  renderer: {
    root: 'src/renderer',
    plugins: [react()],
    server: { headers: DEVELOPMENT_HEADERS },
    build: {
      target: CHROME_TARGET,
      minify: true,
      rolldownOptions: { input: { index: resolve('src/renderer/index.html') } }
    }
  }
})
