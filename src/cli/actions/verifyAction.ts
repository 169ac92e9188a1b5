import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { badInput } from '../../shared/errors'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag, required, text } from '../grammar/options'
import { printJson } from '../output/printJson'
import { renderPairs } from '../output/table'

export const verifyOptions = {
  model: required(
    'DIR',
    text,
    'checkpoint that the trainer will quantize, or the pre-quantized base that the adapter was made for'
  ),
  json: flag('print the checks as JSON'),
  quiet: flag('print only the verdict', { short: 'q' })
} as const

/** `quail verify`: does this adapter belong on this base? Exit code 1 when it does not. */
export async function verifyAction(
  { options, positionals: [adapter = ''] }: Invocation<typeof verifyOptions>,
  { engine, terminal, signal }: CommandContext
): Promise<ExitCode> {
  for (const directory of [adapter, options.model]) {
    if (!existsSync(directory)) throw badInput(`${directory} does not exist; a directory is needed`)
  }
  const input = { adapter: resolve(adapter), model: resolve(options.model) }
  const verification = await engine.call('verify', input, { signal })
  if (options.json) printJson(terminal, verification)
  else {
    const checks = verification.checks.map(({ name, ok, detail }) => [`${ok ? '✓' : '✗'} ${name}`, detail] as const)
    if (!options.quiet) for (const line of renderPairs(checks)) terminal.print(line)
    for (const note of verification.notes) terminal.note(`note: ${note}`)
    terminal.print(terminal.paint(verification.fits ? 'green' : 'red', verification.summary))
  }
  return verification.fits ? EXIT.done : EXIT.failed
}
