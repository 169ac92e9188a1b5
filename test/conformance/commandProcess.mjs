// Starts the process that works on Quail's commands for Python: see commands.ts, which is bundled for it. In a process that
// holds a bundler too, every search for garbage goes through all of that.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { build } from 'vite'

const root = resolve(import.meta.dirname, '../..')
const outDir = resolve(root, `out/commands-${process.pid}`)

try {
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true, external: ['onnxruntime-node', 'tokenizers', 'sqlite3'] },
    build: {
      ssr: true,
      target: 'node20.18',
      outDir,
      // No folder for chunks: a path relative to import.meta.dirname then means the same wherever a module lands.
      rolldownOptions: {
        input: { commands: resolve(import.meta.dirname, 'commands.ts') },
        output: { chunkFileNames: '[name]-[hash].js' }
      }
    }
  })
  const child = spawn(process.execPath, [resolve(outDir, 'commands.js')], { stdio: 'inherit' })
  const [code] = await once(child, 'close')
  process.exitCode = code ?? 1
} finally {
  rmSync(outDir, { recursive: true, force: true })
}
