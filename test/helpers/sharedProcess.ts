import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Where tests of plain functions are. Whole runs, devices and command lines are elsewhere. */
const FOLDERS = ['test/unit', 'test/numerics', 'test/architecture']

/**
 * What a file does that others in its process could come to feel: it replaces functions, clocks or the environment, sets what
 * the engine keeps, or uses a helper that does.
 */
const DISTURBS =
  /\bvi\.|\bprocess\.(env|chdir|on|once|umask)\b|\.prototype\b|\bglobalThis\b|\bsetCudaFolder\b|helpers\/(commandLine|deviceBus|failingCard|webgpuDevice)'/

/**
 * Absolute paths of the test files that share processes: to load what they test takes most of them longer than to test it.
 *
 * @param own - absolute paths of those that have a process of their own whatever they hold
 */
export function sharingFiles(own: readonly string[]): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => resolve(join(folder, name)))
  ).filter((path) => !own.includes(path) && !DISTURBS.test(readFileSync(path, 'utf8')))
}
