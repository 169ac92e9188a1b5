#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node
// One heap of the C library for all threads: memory then does not grow with the depth of a model (docs/decisions/0026).
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const built = new URL('../out/main/cli.js', import.meta.url)

if (existsSync(built)) {
  await import(built.href)
} else {
  const root = fileURLToPath(new URL('..', import.meta.url))
  console.error(`quail has not been built yet: run "npm ci && npm run build" in ${root}`)
  process.exitCode = 1
}
