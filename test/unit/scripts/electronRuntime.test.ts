import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

/** What `pinnedRuntime` finds in a folder that is laid out as npm and Electron's installer do. */
function found(installed: string): unknown {
  const script = `import { pinnedRuntime } from './scripts/electronRuntime.mjs'
    console.log(JSON.stringify(pinnedRuntime(${JSON.stringify(installed)}) ?? null))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, 'x'], {
    encoding: 'utf8'
  })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

test('the Electron of package.json is taken where its program is here, in its version', () => {
  const installed = mkdtempSync(join(tmpdir(), 'quail-electron-'))
  onTestFinished(() => rmSync(installed, { recursive: true }))
  writeFileSync(join(installed, 'package.json'), '{"version":"45.4.1"}')
  expect(found(installed)).toBe(null)
  const dist = join(installed, 'dist')
  mkdirSync(dist)
  writeFileSync(join(installed, 'path.txt'), 'electron')
  writeFileSync(join(dist, 'version'), '45.4.1')
  expect(found(installed)).toBe(null)
  writeFileSync(join(dist, 'electron'), '')
  expect(found(installed)).toEqual({
    folder: dist,
    program: join(dist, 'electron'),
    version: '45.4.1',
    carried: false
  })
  writeFileSync(join(dist, 'version'), '44.0.0')
  expect(found(installed)).toBe(null)
})
