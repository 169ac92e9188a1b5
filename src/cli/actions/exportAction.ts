import { resolve } from 'node:path'
import { readAdapterFacts } from '../../services/export/adapterFacts'
import { compatibilityOf } from '../../services/export/compatibility'
import { copyAdapter } from '../../services/export/copyAdapter'
import { runAdapter } from '../../services/export/runAdapters'
import type { Verdict } from '../../shared/exports'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag, optional, required, text } from '../grammar/options'
import { printJson } from '../output/printJson'
import { formatSize } from '../output/sizes'
import { renderPairs } from '../output/table'

export const exportOptions = {
  variant: optional('NAME', text, 'variant of the run (default: the only one)'),
  to: required('DIR', text, 'new or empty directory that the adapter becomes'),
  replace: flag('replace an adapter that lies there'),
  json: flag('print the answer as JSON')
} as const

const SIGNS: Readonly<Record<Verdict, string>> = { ok: '✓', caution: '!', no: '✗' }

/** `quail export`: copies an adapter and says where it can be used. */
export async function exportAction(
  { options, positionals: [id = ''] }: Invocation<typeof exportOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal, resources } = context
  const { adapter, model, sha256, variant, run } = await runAdapter(await context.services(), id, options.variant)
  const copied = await copyAdapter({
    from: adapter,
    to: resolve(options.to),
    model,
    resources,
    replace: options.replace,
    expectedSha256: sha256
  })
  const compatibility = compatibilityOf(await readAdapterFacts(copied.path))
  if (options.json) {
    printJson(terminal, { run, variant, ...copied, compatibility })
    return EXIT.done
  }
  terminal.print(`copied ${variant} to ${copied.path} (${formatSize(copied.bytes)}, sha256 ${copied.sha256})`)
  terminal.print()
  const lines = compatibility.map(({ consumer, verdict, says }) => [`${SIGNS[verdict]} ${consumer}`, says] as const)
  for (const line of renderPairs(lines)) terminal.print(line)
  return EXIT.done
}
