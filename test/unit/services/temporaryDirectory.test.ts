import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect, it } from 'vitest'

// A fresh module sweeps once.
const { withTemporaryDirectory } = await import('../../../src/services/temporaryDirectory')

it('a directory is gone after its work, and what a killed process left is swept by the next', async () => {
  const own = await withTemporaryDirectory(async (directory) => directory)
  expect(existsSync(own)).toBe(false)
  const { pid: dead } = spawnSync(process.execPath, ['-e', ''])
  const named = (pid: number): string => join(dirname(own), basename(own).replace(`-${process.pid}-`, `-${pid}-`))
  const [left, living, other] = [named(dead), named(process.ppid), join(dirname(own), `${basename(own)}.kept`)]
  for (const directory of [left, living, other]) mkdirSync(directory)
  const url = new URL('../../../src/services/temporaryDirectory?again', import.meta.url).href
  const again = (await import(/* @vite-ignore */ url)) as typeof import('../../../src/services/temporaryDirectory')
  await again.withTemporaryDirectory(async () => undefined)
  expect([left, living, other].map((directory) => existsSync(directory))).toEqual([false, true, true])
  for (const directory of [living, other]) rmSync(directory, { recursive: true })
})
