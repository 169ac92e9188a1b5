import { describe, expect, test } from 'vitest'
import { findCycle, type Import, layerOf, readImports } from './importGraph'

const ENGINE_STATISTICS = ['engine/calibration', 'engine/methods', 'engine/quantizers', 'engine/models']
const BELOW_STATISTICS = ['engine/graph', 'engine/templates', 'engine/formats', 'engine/numerics', 'shared']
/** What stands on these, each on those before it; none of them knows the two that come last. */
const BELOW_BASE = [...ENGINE_STATISTICS, ...BELOW_STATISTICS]
const BELOW_PREPARE = ['engine/base', ...BELOW_BASE]
const BELOW_PLAN = ['engine/solve', 'engine/prepare', ...BELOW_PREPARE]
const BELOW_REFINE = ['engine/prepare', ...BELOW_PREPARE]
const BELOW_RUN = ['engine/curvature', 'engine/refine', 'engine/plan', ...BELOW_PLAN]
const WHOLE_ENGINE = ['engine/worker', 'engine/run', 'engine/ask', ...BELOW_RUN]

/** Which folders, or single files, each folder may import from, beside itself; docs/architecture.md draws it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  // The glossary is the document itself, taken in when the window is built.
  renderer: ['shared', '../docs/glossary.md'],
  preload: ['shared'],
  // What crosses to the engine process is declared by that side.
  main: ['workbench/protocol.ts', 'shared'],
  workbench: ['services', 'store', 'engine/worker', 'shared'],
  cli: ['services', 'store', ...WHOLE_ENGINE],
  // The lock is a file beside the run's record: whether somebody holds it needs no engine thread; nor does a file format.
  services: [
    'store',
    'engine/worker',
    'engine/run/lock.ts',
    'engine/formats',
    'engine/numerics/ratioEstimates.ts',
    'shared'
  ],
  store: ['shared'],
  'engine/worker': WHOLE_ENGINE,
  'engine/run': BELOW_RUN,
  'engine/curvature': ['engine/refine', ...BELOW_REFINE],
  'engine/refine': BELOW_REFINE,
  'engine/ask': BELOW_PLAN,
  'engine/plan': BELOW_PLAN,
  'engine/prepare': BELOW_PREPARE,
  'engine/solve': BELOW_PREPARE,
  'engine/base': BELOW_BASE,
  ...Object.fromEntries(ENGINE_STATISTICS.map((folder) => [folder, BELOW_STATISTICS])),
  'engine/templates': ['engine/formats', 'shared'],
  'engine/graph': ['engine/formats', 'engine/numerics', 'shared'],
  'engine/formats': ['engine/numerics', 'shared'],
  'engine/numerics': ['shared']
}

/** Which packages each folder may use; `node:` stands for Node's own modules. */
const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  shared: ['zod'],
  renderer: [
    'react',
    'react-dom',
    '@mantine/core',
    '@mantine/hooks',
    '@mantine/modals',
    '@mantine/notifications',
    '@mantine/spotlight',
    '@tabler/icons-react',
    '@tanstack/react-query',
    '@tanstack/react-virtual',
    'wouter'
  ],
  preload: ['electron'],
  // The third is the built command line, which a package starts in place of the window.
  main: ['electron', 'node:', 'pathToFileURL(builtCommandLine).href', 'zod'],
  workbench: ['node:', 'zod'],
  cli: ['node:', 'zod'],
  services: ['node:', 'zod', 'yaml', 'csv-parse', 'hyparquet', 'hyparquet/src/column.js', 'hyparquet-compressors'],
  store: ['node:', 'zod', 'sqlite3', 'kysely'],
  'engine/worker': ['node:', 'zod'],
  'engine/run': ['node:', 'zod'],
  'engine/curvature': ['node:'],
  'engine/refine': ['node:'],
  'engine/ask': ['node:'],
  'engine/plan': ['node:'],
  'engine/prepare': ['node:'],
  'engine/solve': ['node:'],
  'engine/base': ['node:'],
  'engine/calibration': ['node:', 'zod', 'tokenizers'],
  'engine/templates': [],
  'engine/methods': [],
  'engine/quantizers': ['node:'],
  'engine/models': ['zod', 'node:'],
  'engine/graph': ['node:', '@bufbuild/protobuf', 'onnx-buf', 'onnxruntime-node'],
  'engine/formats': ['node:', 'zod'],
  'engine/numerics': ['node:']
}

/** Packages that only one file may touch. */
const ONLY_IN: Readonly<Record<string, string>> = { 'onnxruntime-node': 'engine/graph/session.ts' }

const imports = readImports()

const show = ({ from, to }: Import, rule: string): string => `src/${from} imports ${to}: ${rule}`
const fileImports = imports.filter(({ kind }) => kind === 'file')
const packageImports = imports.filter(({ kind }) => kind === 'package')

describe('imports below src/', () => {
  test('are found at all', () => {
    expect(fileImports.length).toBeGreaterThan(50)
    expect(new Set(packageImports.map(({ to }) => to))).toContain('zod')
  })

  test('start in a folder that has rules', () => {
    expect([...new Set(imports.map(({ from }) => layerOf(from)))].filter((layer) => !(layer in MAY_IMPORT))).toEqual([])
  })

  test('run downward only', () => {
    const broken = fileImports
      .filter(({ from, to }) => {
        const [source, target] = [layerOf(from), layerOf(to)]
        const allowed = MAY_IMPORT[source] ?? []
        return source !== target && !allowed.includes(target) && !allowed.includes(to)
      })
      .map((found) => show(found, `${layerOf(found.from)} may import ${list(MAY_IMPORT[layerOf(found.from)])}`))
    expect(broken).toEqual([])
  })

  test('use only the packages of their folder', () => {
    const broken = packageImports
      .filter(({ from, to }) => !MAY_USE[layerOf(from)]?.includes(to))
      .map((found) => show(found, `${layerOf(found.from)} may use ${list(MAY_USE[layerOf(found.from)])}`))
    expect(broken).toEqual([])
  })

  test.each(Object.entries(ONLY_IN))('touch %s only in %s', (name, file) => {
    const users = packageImports.filter(({ to, from }) => to === name && from !== file)
    expect(users.map((found) => show(found, `only src/${file} may`))).toEqual([])
  })

  test('bring only types into the preload', () => {
    const values = fileImports.filter(({ from, typeOnly }) => layerOf(from) === 'preload' && !typeOnly)
    expect(values.map((found) => show(found, 'the preload takes types only'))).toEqual([])
  })

  // Of types too: files that describe each other are one subject in two places.
  test('form no cycle between files', () => {
    expect(findCycle(fileImports.map(({ from, to }) => [from, to]))).toBeUndefined()
  })

  test('form no cycle between folders', () => {
    const between = fileImports.filter(({ from, to }) => folderOf(from) !== folderOf(to))
    expect(findCycle(between.map(({ from, to }) => [folderOf(from), folderOf(to)]))).toBeUndefined()
  })
})

describe('findCycle', () => {
  test('finds a cycle behind a path that leads to it', () => {
    const edges = [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'd'],
      ['d', 'b']
    ] as const
    expect(findCycle(edges)).toEqual(['b', 'c', 'd', 'b'])
  })

  test('finds none where two paths only meet', () => {
    const edges = [
      ['a', 'b'],
      ['a', 'c'],
      ['b', 'd'],
      ['c', 'd']
    ] as const
    expect(findCycle(edges)).toBeUndefined()
  })
})

const list = (names: readonly string[] = []): string => (names.length === 0 ? 'nothing' : names.join(', '))
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))
