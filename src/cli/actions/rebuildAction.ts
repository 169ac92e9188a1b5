import { databaseFile, runsDirectory } from '../../store/home'
import { rebuildStore } from '../../store/rebuild'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag } from '../grammar/options'
import { plural } from '../output/numbers'
import { printJson } from '../output/printJson'

export const rebuildOptions = { json: flag('print the answer as JSON') } as const

/** `quail runs rebuild`: a new database from the run folders, for one that is lost or damaged. */
export async function rebuildAction(
  { options }: Invocation<typeof rebuildOptions>,
  { home, terminal }: CommandContext
): Promise<ExitCode> {
  const { runs, calibrationSets, problems, setAside } = await rebuildStore(databaseFile(home), runsDirectory(home))
  if (options.json) printJson(terminal, { runs, calibrationSets, problems, setAside })
  else {
    terminal.print(`took over ${plural(runs, 'run')} and ${plural(calibrationSets, 'calibration set')}`)
    if (setAside !== undefined) terminal.print(`the database that was there is now ${setAside}`)
    for (const { path, message } of problems) terminal.note(`left out: ${path}: ${message}`)
  }
  return problems.length === 0 ? EXIT.done : EXIT.failed
}
