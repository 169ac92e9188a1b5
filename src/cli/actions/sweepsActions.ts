import { completeSweepId, getSweep, listSweeps } from '../../services/sweep/sweepQueries'
import { sweepJson, writeSweepReport } from '../../services/sweep/sweepReport'
import { deleteSweepForGood, recipeOfSweep, renameSweep } from '../../services/sweep/sweepService'
import { modelName } from '../../shared/modelName'
import { quotedText } from '../../shared/quoting'
import { placeText, SweepName } from '../../shared/sweep'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { nameFrom } from '../grammar/nameFrom'
import { flag } from '../grammar/options'
import { formatTime, plural } from '../output/numbers'
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
    const columns = ['sweep', 'name', 'runs', 'made', 'model', 'calibrated on', 'out'].map((title) => ({ title }))
    const rows = sweeps.map(({ definition, completed, total, model, createdAtMs }) => [
      definition.id,
      definition.name,
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
  if (sweep.completed > 0) for (const file of await writeSweepReport(sweep)) terminal.print(`wrote ${file}`)
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

export const renameSweepOptions = { json } as const

/** `quail sweeps rename`: another name for a sweep, and for its runs that are called as it made them. */
export async function renameSweepAction(
  { options, positionals: [beginning = '', wanted = ''] }: Invocation<typeof renameSweepOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal } = context
  const name = nameFrom(SweepName, wanted)
  const services = await context.services()
  const id = await completeSweepId(services, beginning)
  await renameSweep(services, id, name)
  if (options.json) printJson(terminal, { id, name })
  else terminal.print(`${id} is called ${quotedText(name)} now`)
  return EXIT.done
}

export const deleteSweepOptions = { json } as const

/** `quail sweeps delete`: all runs of the sweeps, with their folders; adapters and reports stay. */
export async function deleteSweepsAction(
  { options, positionals }: Invocation<typeof deleteSweepOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal } = context
  const services = await context.services()
  const ids: string[] = []
  for (const beginning of positionals) ids.push(await completeSweepId(services, beginning))
  const deleted: { id: string; runs: string[] }[] = []
  for (const id of new Set(ids)) {
    const { definition, runs } = await deleteSweepForGood(services, id)
    deleted.push({ id, runs })
    if (!options.json)
      terminal.print(
        `deleted ${id}, ${plural(runs.length, 'run')}; adapters and report in ${definition.out} were not touched`
      )
  }
  if (options.json) printJson(terminal, { deleted })
  return EXIT.done
}
