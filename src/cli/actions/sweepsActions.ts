import { getSweep, listSweeps } from '../../services/sweep/sweepQueries'
import { sweepJson, writeSweepReport } from '../../services/sweep/sweepReport'
import { recipeOfSweep } from '../../services/sweep/sweepService'
import { modelName } from '../../shared/modelName'
import { placeText } from '../../shared/sweep'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag } from '../grammar/options'
import { formatTime } from '../output/numbers'
import { printJson } from '../output/printJson'
import { sweepText } from '../output/sweepText'
import { renderTable } from '../output/table'
import type { reportingOptions } from './reportingOptions'
import { workOn } from './sweepAction'

const json = flag('print the answer as JSON')

export const listSweepsOptions = { json } as const

/** `quail sweeps list`: every sweep, the newest first. */
export async function listSweepsAction(
  { options }: Invocation<typeof listSweepsOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal } = context
  const sweeps = await listSweeps(await context.services())
  if (options.json) {
    printJson(
      terminal,
      sweeps.map(({ definition, completed, total, model, createdAtMs }) => ({
        ...{ id: definition.id, name: definition.name, out: definition.out },
        ...{ completed, total, model, createdAtMs }
      }))
    )
  } else if (sweeps.length === 0) terminal.print('No sweep yet; see quail sweep --help.')
  else {
    const columns = ['sweep', 'runs', 'made', 'model', 'calibrated on', 'out'].map((title) => ({ title }))
    const rows = sweeps.map(({ definition, completed, total, model, createdAtMs }) => [
      definition.id,
      `${completed} of ${total}`,
      formatTime(createdAtMs),
      modelName(model),
      definition.sets.map(({ label }) => label).join(', '),
      definition.out
    ])
    for (const line of renderTable(columns, rows)) terminal.print(line)
  }
  return EXIT.done
}

export const showSweepOptions = { json } as const

/** `quail sweeps show`: what a sweep found so far; its report is written anew. */
export async function showSweepAction(
  { options, positionals: [id = ''] }: Invocation<typeof showSweepOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal } = context
  const sweep = await getSweep(await context.services(), id)
  if (options.json) {
    printJson(terminal, sweepJson(sweep))
    return EXIT.done
  }
  for (const line of sweepText(sweep)) terminal.print(line)
  for (const { id: run, index, status } of sweep.runs)
    if (status !== 'completed') terminal.print(`${placeText(sweep.definition, index)}: ${status} (${run})`)
  for (const file of await writeSweepReport(sweep)) terminal.print(`wrote ${file}`)
  if (sweep.completed < sweep.total)
    terminal.print(`"quail sweeps resume ${sweep.definition.id}" goes on with what is left.`)
  return EXIT.done
}

/** `quail sweeps resume`: works on the runs of a sweep that are not completed. */
export async function resumeSweepAction(
  { options, positionals: [id = ''] }: Invocation<typeof reportingOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const services = await context.services()
  const sweep = await getSweep(services, id)
  return workOn(context, services, await recipeOfSweep(services, sweep), sweep, options, [])
}
