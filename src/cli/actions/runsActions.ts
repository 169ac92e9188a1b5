import { stat } from 'node:fs/promises'
import { labelRun } from '../../services/runLabels'
import { deleteRun, getRun, listRuns, type Run } from '../../services/runService'
import { modelName } from '../../shared/modelName'
import { quotedText } from '../../shared/quoting'
import { isResumable, NOT_RESUMABLE } from '../../shared/resumable'
import { RunName } from '../../shared/runFolder'
import { STATUS_WORDS } from '../../shared/runWords'
import { runsDirectory } from '../../store/home'
import { listRunFolders } from '../../store/runFolders'
import type { RunSummary } from '../../store/runQueries'
import { readVariantResults } from '../../store/runQueries'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { nameFrom } from '../grammar/nameFrom'
import { flag } from '../grammar/options'
import { formatTime, plural } from '../output/numbers'
import { headlineJson, printJson } from '../output/printJson'
import { renderPairs, renderTable } from '../output/table'
import { printResults, readDeviceFailure } from './executeRecipe'

const json = flag('print the answer as JSON')

export const listRunsOptions = { json } as const

/** `quail runs list`: every run, the newest first. */
export async function listRunsAction(
  { options }: Invocation<typeof listRunsOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal } = context
  const runs = await listRuns(await context.services())
  const folders = runs.length > 0 ? [] : await listRunFolders(runsDirectory(context.home))
  if (options.json) printJson(terminal, runs.map(briefly))
  else if (folders.length > 0)
    terminal.print(
      `No run is in the database, but ${plural(folders.length, 'run folder')} beside it; "quail runs rebuild" takes them in.`
    )
  else if (runs.length === 0) terminal.print('No run yet; "quail demo" makes one.')
  else {
    const columns = ['run', 'status', 'made', 'model', 'variants', 'out'].map((title) => ({ title }))
    const rows = runs.map((run) => [
      run.id,
      STATUS_WORDS[run.status],
      formatTime(run.createdAtMs),
      modelName(run.model),
      run.variants.map(({ name }) => name).join(' '),
      run.out
    ])
    for (const line of renderTable(columns, rows)) terminal.print(line)
  }
  return EXIT.done
}

const briefly = ({ id, status, out, ...rest }: Run<RunSummary>): object => ({
  id,
  status,
  out,
  headline: headlineJson(rest),
  ...rest
})

export const showRunOptions = { json } as const

/** `quail runs show`: recipe, state and results of one run. */
export async function showRunAction(
  { options, positionals: [id = ''] }: Invocation<typeof showRunOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal } = context
  const services = await context.services()
  const run = await getRun(services, id)
  const variants = await readVariantResults(services.store, run.id)
  if (options.json) {
    printJson(terminal, { ...briefly(run), results: variants })
    return EXIT.done
  }
  for (const line of renderPairs(describe(run))) terminal.print(line)
  terminal.print()
  if (run.status === 'completed') {
    const failure = await readDeviceFailure(services, run.id)
    printResults(terminal, { perplexity: run.perplexity, variants, run: run.id, ...failure })
    await noteMissing(terminal, variants)
  } else if (run.status === 'queued' || isResumable(run)) {
    terminal.print(`"quail resume ${run.id}" goes on after the last finished block.`)
  } else if (run.status === 'failed') terminal.print(`The run cannot go on: ${NOT_RESUMABLE}.`)
  return EXIT.done
}

function describe(run: Run): [string, string][] {
  const { recipe, calibration, evaluation } = run.record
  const names = (texts: typeof calibration): string => texts.map(({ path }) => path).join(', ')
  return [
    ['run', run.id],
    ...(run.name === null ? [] : [['name', run.name] as [string, string]]),
    ['status', run.status === 'failed' && run.error ? `failed: ${run.error.message}` : STATUS_WORDS[run.status]],
    ['made', `${formatTime(run.createdAtMs)} by quail ${run.record.quailVersion}`],
    ...(run.finishedAtMs === null ? [] : [['ended', formatTime(run.finishedAtMs)] as [string, string]]),
    ['model', run.model],
    [
      'calibration',
      `${names(calibration)}, ${recipe.calibration.enough === undefined ? '' : 'at most '}${plural(recipe.calibration.rows, 'row')} of ${plural(recipe.context, 'token')}${drawText(recipe.calibration)}, ${recipe.policy}`
    ],
    ...(evaluation.length === 0 ? [] : [['evaluation', names(evaluation)] as [string, string]]),
    ['variants', run.variants.map(({ name }) => name).join(', ')],
    ['out', run.out]
  ]
}

const drawText = ({ draw }: Run['record']['recipe']['calibration']): string =>
  draw === undefined ? '' : `, draw ${draw}`

async function noteMissing(
  terminal: CommandContext['terminal'],
  variants: readonly { adapter: string }[]
): Promise<void> {
  for (const { adapter } of variants) {
    const found = await stat(adapter).catch(() => undefined)
    if (found === undefined) terminal.note(`${adapter} is not there any more`)
  }
}

export const renameRunOptions = { json } as const

/** `quail runs rename`: a name of its own for a run; an empty one gives it that of its recipe back. */
export async function renameRunAction(
  { options, positionals: [beginning = '', wanted = ''] }: Invocation<typeof renameRunOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal } = context
  const name = nameFrom(RunName, wanted)
  const services = await context.services()
  const { id } = await getRun(services, beginning)
  await labelRun(services, id, { name })
  const { name: now } = await getRun(services, id)
  if (options.json) printJson(terminal, { id, name: now })
  else terminal.print(now === null ? `${id} has no name now` : `${id} is called ${quotedText(now)} now`)
  return EXIT.done
}

export const deleteRunOptions = { json } as const

/** `quail runs delete`: the run's folder and rows; adapters that it exported stay. */
export async function deleteRunsAction(
  { options, positionals }: Invocation<typeof deleteRunOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal } = context
  const services = await context.services()
  for (const id of positionals) await getRun(services, id)
  const deleted: string[] = []
  for (const id of positionals) {
    const run = await deleteRun(services, id)
    deleted.push(run.id)
    if (!options.json) terminal.print(`deleted ${run.id}; adapters in ${run.out} were not touched`)
  }
  if (options.json) printJson(terminal, { deleted })
  return EXIT.done
}
