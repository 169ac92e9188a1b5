// Runs vitest, and prints `N passed, N failed` as the very last line.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')

/** So many files may have failed by a mischance; more have a reason. */
const MOST_AGAIN = 4

/**
 * Runs vitest with these arguments and sets the exit code.
 * A file that cannot be loaded counts as one failed test; a skipped test is named, never counted as passed. What failed is
 * named at the end, with the first line of its reason.
 *
 * With `again`, up to four files that failed are run once more, and judged by that: their first failure is named all the
 * same. It asks for arguments that name no files.
 */
export function runVitest(args, { again = false } = {}) {
  const first = runOnce(args)
  const files = again ? first.failedFiles.map(({ name }) => name) : []
  let { passed, failed, status } = first
  if (files.length > 0 && files.length <= MOST_AGAIN) {
    console.log(`once more: ${files.join(', ')}`)
    const second = runOnce([...args, ...files])
    passed += second.passed - first.failedFiles.reduce((sum, file) => sum + countOf(file, 'passed'), 0)
    failed = second.failed
    status = second.status
  }
  process.exitCode = status === 0 && failed === 0 ? 0 : 1
  console.log(`${passed} passed, ${failed === 0 && status !== 0 ? 1 : failed} failed`)
}

function runOnce(args) {
  const folder = mkdtempSync(join(tmpdir(), 'quail-tests-'))
  const report = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const { status } = spawnSync(process.execPath, [vitest, 'run', ...args, ...reporters], { stdio: 'inherit' })
  const summary = summarize(report)
  rmSync(folder, { recursive: true })
  return { ...summary, status }
}

function summarize(report) {
  let results
  try {
    results = JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return { passed: 0, failed: 1, failedFiles: [] } // vitest did not get as far as its report
  }
  const tests = results.testResults.flatMap((file) => file.assertionResults)
  for (const test of tests) {
    if (['skipped', 'pending', 'todo'].includes(test.status)) console.log(`skipped: ${test.fullName}`)
    if (test.status === 'failed') console.log(`failed: ${test.fullName}: ${firstLine(test.failureMessages[0])}`)
  }
  const failedFiles = results.testResults.filter((file) => file.status === 'failed')
  const unloadable = failedFiles.filter((file) => countOf(file, 'failed') === 0)
  for (const file of unloadable) console.log(`failed: ${file.name}: ${firstLine(file.message)}`)
  return { passed: results.numPassedTests, failed: results.numFailedTests + unloadable.length, failedFiles }
}

const countOf = (file, status) => file.assertionResults.filter((test) => test.status === status).length

const firstLine = (text) => (text ?? 'no reason was given').split('\n')[0]
