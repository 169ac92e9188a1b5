// `npm run bench`: builds the benchmarks and runs them.
//
//   node bench/run.mjs [solver] [forward] [block] [blocks] [memory] [plan] [scale] [long] [refinement] [model135m] [demo] [window] [--quick]      all parts when none is named
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { build } from 'vite'
import { earlierTree } from './earlier.mjs'

const root = resolve(import.meta.dirname, '..')
const at = (path) => resolve(root, path)

const bundle = (input, outDir) =>
  build({
    root,
    configFile: false,
    logLevel: 'warn',
    ssr: { noExternal: true, external: ['onnxruntime-node', 'tokenizers', 'sqlite3', 'playwright-core'] },
    build: {
      ssr: true,
      target: 'node20.18',
      outDir: at(outDir),
      emptyOutDir: true,
      sourcemap: true,
      // No folder for chunks: a path relative to import.meta.url then means the same wherever a module lands.
      rolldownOptions: { input, output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' } }
    }
  })
await bundle(
  {
    main: at('bench/main.ts'),
    oneLinear: at('bench/oneLinear.ts'),
    wholeRun: at('bench/wholeRun.ts'),
    timedWorker: at('bench/timedWorker.ts'),
    solverWorker: at('bench/solverWorker.ts'),
    tokenizerWorker: at('src/engine/ask/tokenizerEntry.ts')
  },
  'out/bench'
)
// Only the window needs a display.
const parts = process.argv.slice(2).filter((arg) => !arg.startsWith('--'))
const earlier = { solver: ['oneLinear'], run: ['wholeRun', 'timedWorker'] }
const wanted = { solver: 'solver', run: 'block' }
for (const [name, files] of Object.entries(earlier)) {
  if (parts.length > 0 && !parts.includes(wanted[name])) continue
  const tree = earlierTree(root, name)
  if (tree === undefined) continue
  const input = Object.fromEntries(files.map((file) => [file, resolve(tree, `bench/${file}.ts`)]))
  await bundle(input, `out/bench-earlier-${name}`)
}
const virtual = process.platform === 'linux' && !process.env.DISPLAY && (parts.length === 0 || parts.includes('window'))
const display = virtual ? ['xvfb-run', '-a', '-s', '-screen 0 1280x1024x24'] : []
const [program, ...args] = [...display, process.execPath, at('out/bench/main.js'), ...process.argv.slice(2)]
const { status } = spawnSync(program, args, { cwd: root, stdio: 'inherit' })
process.exitCode = status ?? 1
