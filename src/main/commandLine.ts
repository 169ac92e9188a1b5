import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { app } from 'electron'
import { provideTokenizers } from '../shared/tokenizerProcess'
import { connectTokenizer } from './tokenizerProcess'

/*
 * A package holds one program: the window. Its fuses forbid it to run as plain Node, so the command line runs in main,
 * before and instead of the window: `quail --cli -- runs list`, which the script quail-cli wraps.
 */

/** What follows `--cli --`, undefined when the window is wanted. */
export function commandLineArguments(argv: readonly string[]): string[] | undefined {
  const at = argv.indexOf('--cli')
  if (at === -1 || argv[at + 1] !== '--') return undefined
  return argv.slice(at + 2)
}

/** Runs the built command line as `node cli.js ARGUMENTS` would, then ends with its exit code. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  const builtCommandLine = join(import.meta.dirname, 'cli.js')
  process.argv = [process.execPath, builtCommandLine, ...args]
  provideTokenizers(connectTokenizer)
  // The command line answers these itself: once ends at a safe point, twice at once.
  await import(pathToFileURL(builtCommandLine).href)
  app.exit(typeof process.exitCode === 'number' ? process.exitCode : 0)
}
