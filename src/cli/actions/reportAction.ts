import { writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { makeFolder, writeError } from '../../engine/formats/files'
import { writeReport } from '../../services/report/report'
import { badInput } from '../../shared/errors'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag, required, text } from '../grammar/options'
import { plural } from '../output/numbers'

export const reportOptions = {
  out: required('FILE', text, 'the HTML file to write'),
  replace: flag('replace a file that lies there')
} as const

/** `quail report`: one HTML file on runs, or on single variants of them. */
export async function reportAction(
  { options, positionals }: Invocation<typeof reportOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal } = context
  const { html } = await writeReport(await context.services(), positionals)
  const path = resolve(options.out)
  try {
    await makeFolder(dirname(path))
    await writeFile(path, html, { flag: options.replace ? 'w' : 'wx' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw badInput(`${path} exists; give another name, or --replace`)
    if (code === 'EISDIR') throw badInput(`${path} is a directory; the name of an HTML file is expected`)
    throw await writeError(error, path)
  }
  terminal.print(`wrote ${path}, a report on ${plural(positionals.length, 'selection')}`)
  return EXIT.done
}
