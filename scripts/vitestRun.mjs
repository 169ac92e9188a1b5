// Runs vitest, and prints `N passed, N failed` as the very last line.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')

/**
 * Runs vitest with these arguments and sets the exit code.
 * A file that cannot be loaded counts as one failed test; a skipped test is named, never counted as passed.
 * `launcher` is a command that vitest is started through, for example xvfb-run.
 */
export function runVitest(args, launcher = []) {
  const folder = mkdtempSync(join(tmpdir(), 'quail-tests-'))
  const report = join(folder, 'report.json')
  const [program, ...rest] = [...launcher, process.execPath, vitest, 'run', ...args]
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const { status } = spawnSync(program, [...rest, ...reporters], { stdio: 'inherit' })
  const { passed, failed } = summarize(report)
  rmSync(folder, { recursive: true })
  process.exitCode = status === 0 && failed === 0 ? 0 : 1
  console.log(`${passed} passed, ${failed === 0 && status !== 0 ? 1 : failed} failed`)
}

function summarize(report) {
  let results
  try {
    results = JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return { passed: 0, failed: 1 } // vitest did not get as far as its report
  }
  const unloadable = results.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')
  )
  const skipped = results.testResults.flatMap((file) =>
    file.assertionResults.filter((test) => ['skipped', 'pending', 'todo'].includes(test.status))
  )
  for (const test of skipped) console.log(`skipped: ${test.fullName}`)
  return { passed: results.numPassedTests, failed: results.numFailedTests + unloadable.length }
}
