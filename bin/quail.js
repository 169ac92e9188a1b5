#!/usr/bin/env node
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
