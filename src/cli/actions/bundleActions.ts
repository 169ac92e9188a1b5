import { resolve } from 'node:path'
import { importBundle } from '../../services/bundle/importBundle'
import { writeBundle } from '../../services/bundle/writeBundle'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag, required, text } from '../grammar/options'
import { plural } from '../output/numbers'
import { printJson } from '../output/printJson'
import { formatSize } from '../output/sizes'

export const bundleOptions = {
  out: required('FILE', text, 'new file for the bundle'),
  factors: flag('also the factors of each block'),
  replace: flag('replace a file that lies there'),
  json: flag('print the answer as JSON')
} as const

/** `quail bundle`: one file with everything of a completed run. */
export async function bundleAction(
  { options, positionals: [id = ''] }: Invocation<typeof bundleOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal, signal } = context
  const { factors, replace } = options
  const written = await writeBundle(await context.services(), id, resolve(options.out), { factors, replace, signal })
  if (options.json) printJson(terminal, written)
  else {
    terminal.print(`wrote ${written.path}: ${plural(written.files, 'file')}, ${formatSize(written.bytes)}`)
    terminal.print(`sha256 ${written.sha256}`)
  }
  return EXIT.done
}

export const importBundleOptions = { json: flag('print the answer as JSON') } as const

/** `quail import-bundle`: a run from another machine, verified before it is stored. */
export async function importBundleAction(
  { options, positionals: [file = ''] }: Invocation<typeof importBundleOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal, signal } = context
  const imported = await importBundle(await context.services(), resolve(file), { signal })
  if (options.json) printJson(terminal, imported)
  else {
    const { run, originalRun, variants, out } = imported
    terminal.print(run === originalRun ? `imported ${run}` : `imported ${originalRun} as ${run}, its id is taken here`)
    terminal.print(`${plural(variants.length, 'adapter')} in ${out}`)
  }
  return EXIT.done
}
