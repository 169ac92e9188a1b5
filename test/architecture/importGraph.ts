import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, resolve } from 'node:path'
import { parseSync } from 'vite'

/** One import of a source file, static or dynamic, of types or of values. */
export interface Import {
  /** Path of the importing file from `src/` on, as in `engine/run/plan.ts`. */
  readonly from: string
  /** Path of the imported file in the same form, or the name of the package. */
  readonly to: string
  readonly kind: 'file' | 'package'
  readonly typeOnly: boolean
}

const SOURCE = resolve(import.meta.dirname, '../../src')

/** Every import below src/. */
export function readImports(): Import[] {
  return readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .sort()
    .flatMap((path) => importsOf(path.replaceAll('\\', '/')))
}

function importsOf(from: string): Import[] {
  const text = readFileSync(join(SOURCE, from), 'utf8')
  const { module } = parseSync(from, text)
  const statics = module.staticImports.map(({ moduleRequest, entries }) => ({
    specifier: moduleRequest.value,
    typeOnly: entries.length > 0 && entries.every((entry) => entry.isType)
  }))
  const reexports = module.staticExports
    .flatMap(({ entries }) => entries)
    .flatMap(({ moduleRequest, isType }) =>
      moduleRequest === null ? [] : [{ specifier: moduleRequest.value, typeOnly: isType }]
    )
  const dynamics = module.dynamicImports.map(({ moduleRequest: { start, end } }) => ({
    specifier: text.slice(start, end).replace(/^['"`]|['"`]$/g, ''),
    typeOnly: false
  }))
  return [...statics, ...reexports, ...dynamics].map(({ specifier, typeOnly }) => ({
    from,
    ...targetOf(from, specifier),
    typeOnly
  }))
}

function targetOf(from: string, specifier: string): Pick<Import, 'to' | 'kind'> {
  if (!specifier.startsWith('.')) return { kind: 'package', to: packageOf(specifier) }
  const base = resolve(SOURCE, dirname(from), specifier.replace(/\?.*$/, ''))
  const found = [base, `${base}.ts`, `${base}.tsx`].find((path) => /\.\w+$/.test(path) && existsSync(path))
  // An import that leads nowhere is for the type checker to say.
  return { kind: 'file', to: relative(SOURCE, found ?? base).replaceAll('\\', '/') }
}

/** `@scope/name/sub` → `@scope/name`; Node's own modules → `node:`. */
const packageOf = (specifier: string): string => {
  if (specifier.startsWith('node:')) return 'node:'
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** `engine/run` for files inside the engine, whose folders are layers of their own; else the folder below src/. */
export const layerOf = (path: string): string => {
  const [top, second] = path.split('/')
  return top === 'engine' && posix.dirname(path) !== 'engine' ? `engine/${second}` : (top as string)
}

/** A cycle of the graph with these edges, as a path that ends where it began; undefined when there is none. */
export function findCycle(edges: readonly (readonly [string, string])[]): string[] | undefined {
  const next = new Map<string, Set<string>>()
  for (const [from, to] of edges) next.set(from, (next.get(from) ?? new Set()).add(to))
  const finished = new Set<string>()
  const visit = (node: string, path: string[]): string[] | undefined => {
    const start = path.indexOf(node)
    if (start >= 0) return [...path.slice(start), node]
    if (finished.has(node)) return undefined
    for (const successor of next.get(node) ?? []) {
      const cycle = visit(successor, [...path, node])
      if (cycle !== undefined) return cycle
    }
    finished.add(node)
    return undefined
  }
  for (const node of next.keys()) {
    const cycle = visit(node, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}
