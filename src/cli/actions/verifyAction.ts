import { existsSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { readNamedBase } from '../../engine/formats/readAdapter'
import { badInput } from '../../shared/errors'
import type { Verification } from '../../shared/plan'
import { shownValue } from '../../shared/shownValue'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag, optional, text } from '../grammar/options'
import { printJson } from '../output/printJson'
import { renderPairs } from '../output/table'

export const verifyOptions = {
  model: optional(
    'DIR',
    text,
    'checkpoint that the trainer will quantize, or a pre-quantized base, such as export-base writes; default: the one that adapter_config.json names'
  ),
  from: optional('DIR', text, 'for an adapter that PEFT saved: the adapter by Quail that it was trained from'),
  json: flag('print the checks as JSON'),
  quiet: flag('print only the verdict', { short: 'q' })
} as const

/** `quail verify`: does this adapter belong on this base? Exit code 1 when it does not. */
export async function verifyAction(
  { options, positionals: [adapter = ''] }: Invocation<typeof verifyOptions>,
  { engine, terminal, signal }: CommandContext
): Promise<ExitCode> {
  for (const directory of [adapter, options.model, options.from]) {
    if (directory !== undefined && !existsSync(directory))
      throw badInput(`${directory} does not exist; a directory is needed`)
  }
  const model = options.model ?? (await namedBase(adapter))
  const from = options.from === undefined ? undefined : resolve(options.from)
  const input = { adapter: resolve(adapter), model: resolve(model), from }
  const verification = await engine.call('verify', input, { signal })
  if (options.json) printJson(terminal, verification)
  else {
    const checks = verification.checks.map(({ name, ok, detail }) => [`${signOf(ok)} ${name}`, detail] as const)
    if (!options.quiet) for (const line of renderPairs(checks)) terminal.print(line)
    for (const note of verification.notes) terminal.note(`note: ${note}`)
    terminal.print(verification.summary, colourOf(verification))
  }
  return verification.fits ? EXIT.done : EXIT.failed
}

const signOf = (ok: boolean | null): string => (ok === null ? '?' : ok ? '✓' : '✗')

const colourOf = ({ fits, complete }: Verification) => (fits ? (complete ? 'green' : 'yellow') : 'red')

/** The base that an adapter names, where that is a directory of this machine. */
async function namedBase(adapter: string): Promise<string> {
  const named = await readNamedBase(adapter)
  if (named !== null && isAbsolute(named) && existsSync(named)) return named
  const found = named === null ? 'names no base' : `names ${shownValue(named)} as its base, no directory here`
  throw badInput(`the adapter ${adapter} ${found}; --model DIR says which checkpoint is meant`)
}
