import { relative, resolve } from 'node:path'
import { fillSnippet, isKnownToTrainers } from '../../services/export/snippets'
import { checkRunOut } from '../../services/outDirectory'
import { createRun, planRecipe, type RunOptions, startRun } from '../../services/runService'
import type { Services } from '../../services/services'
import { deserializeError, type ErrorCode } from '../../shared/errors'
import { assertCanEnd } from '../../shared/findings'
import { recommendations } from '../../shared/headline'
import type { Plan } from '../../shared/plan'
import { baseCommand, NO_TRAINER } from '../../shared/quantizerWords'
import { shellWord } from '../../shared/quoting'
import type { Recipe } from '../../shared/recipe'
import { isResumable, NOT_RESUMABLE } from '../../shared/resumable'
import { computedWhere, type FinishedEvent, type RunEvent } from '../../shared/runEvents'
import { loaderOf } from '../../shared/textTower'
import { torchDtype } from '../../shared/torchDtypes'
import { readEventsOf } from '../../store/runEvents'
import { EXIT, type ExitCode } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { exitCodeOf } from '../grammar/failures'
import { goOnWith, nextStep } from '../output/nextStep'
import { findingText, planText } from '../output/planText'
import { printEvents } from '../output/printJson'
import { showProgress } from '../output/progress'
import { resultTable } from '../output/resultTable'
import { renderPairs } from '../output/table'

export interface Reporting {
  /** Events as JSON lines on stdout. */
  readonly json: boolean
  /** Nothing but errors. */
  readonly quiet: boolean
  readonly 'no-kept-moments': boolean
}

/**
 * Plans, makes and executes the run of a recipe, and reports it: from bad input, which stores nothing, to the table.
 *
 * @param out - undefined: `quail-out/<run id>` in the present directory
 */
export async function executeRecipe(
  context: CommandContext,
  recipe: Recipe,
  { out, measure = false, ...reporting }: Reporting & { out: string | undefined; measure?: boolean }
): Promise<ExitCode> {
  const { terminal, signal } = context
  if (out !== undefined) await checkRunOut(out, recipe)
  const services = await context.services()
  const plan = await planRecipe(services, recipe, { measure, signal, out, keptMoments: !reporting['no-kept-moments'] })
  const forPeople = !reporting.json && !reporting.quiet
  if (forPeople) {
    for (const line of planText(plan)) terminal.print(line)
    terminal.print()
    for (const finding of plan.findings) if (finding.severity !== 'error') terminal.note(findingText(finding))
  }
  assertCanEnd(plan.findings)
  const run = await createRun(services, recipe, (id) => resolve(out ?? `quail-out/${id}`))
  const known = plan.findings.map(({ message }) => message)
  const execute = (options: RunOptions) => sayingKept(terminal, run.id, startRun(services, run.id, options))
  const finished = await follow(context, reporting, known, execute)
  const code = conclude(context, finished, reporting)
  if (code === EXIT.done && forPeople) await printSnippet(context, recipe, finished, plan.model)
  return code
}

/** Executes with the wanted report of its events. */
export function follow(
  { terminal, signal }: CommandContext,
  { json, quiet, 'no-kept-moments': noMoments = false }: Reporting,
  knownWarnings: readonly string[],
  execute: (options: RunOptions) => Promise<FinishedEvent>
): Promise<FinishedEvent> {
  const show = json ? printEvents(terminal) : quiet ? () => {} : showProgress(terminal)
  const onEvent = (event: RunEvent): void => {
    if (!json && event.type === 'warning' && knownWarnings.includes(event.message)) return
    show(event)
  }
  return execute({ signal, onEvent, keptMoments: !noMoments })
}

/** Says of a run that it is kept where even its end could not be noted, as in a database on a full disk: its folder has what was computed. */
export async function sayingKept<T>(
  { note }: Pick<CommandContext['terminal'], 'note'>,
  run: string,
  work: Promise<T>
): Promise<T> {
  try {
    return await work
  } catch (error) {
    note(`run ${run} was interrupted and is kept: "quail resume ${run}" goes on`)
    throw error
  }
}

/** What a run ends with: the table and the adapters, how to go on, or its error. */
export function conclude({ terminal }: CommandContext, finished: FinishedEvent, { json, quiet }: Reporting): ExitCode {
  const { status, run, error } = finished
  if (status === 'cancelled') {
    terminal.note(`stopped; "quail resume ${run}" goes on after the last finished block`)
    return EXIT.cancelled
  }
  if (status === 'failed') {
    const failure = deserializeError(toSerialized(error))
    if (!isResumable({ status, error: failure })) terminal.note(`run ${run} failed and is kept; ${NOT_RESUMABLE}`)
    else if (failure.code === 'IO')
      terminal.note(
        `run ${run} failed and is kept: "quail resume ${run}" goes on; with --out DIR it writes its adapters elsewhere`
      )
    else if (exitCodeOf(failure.code) === EXIT.failed)
      terminal.note(`run ${run} failed and is kept: "quail resume ${run}"`)
    throw failure
  }
  if (!json && !quiet) printResults(terminal, finished)
  return EXIT.done
}

const toSerialized = (error: FinishedEvent['error']) => ({
  code: (error?.code ?? 'INTERNAL') as ErrorCode,
  message: error?.message ?? 'the run failed without a reason',
  stack: error?.stack
})

/** The table of a completed run, and where its adapters lie. */
export function printResults(
  terminal: CommandContext['terminal'],
  results: Pick<FinishedEvent, 'perplexity' | 'variants' | 'deviceFailure'> & { readonly run: string }
): void {
  for (const line of resultTable(results)) terminal.print(line)
  terminal.print()
  const adapters = results.variants.map(({ name, adapter }): [string, string] => [name, shortPath(adapter)])
  const best = recommendations(results).map(({ label, variant, harmful }) =>
    harmful ? `none for ${label}: all make it worse` : `${variant.name} for ${label}`
  )
  const { deviceFailure } = results
  const where: [string, string][] = deviceFailure ? [['computed on', computedWhere(deviceFailure)]] : []
  for (const line of renderPairs([['run', results.run], ...adapters, ['recommended', best.join('; ')], ...where]))
    terminal.print(line)
}

async function printSnippet(
  { terminal, resources }: CommandContext,
  recipe: Recipe,
  finished: FinishedEvent,
  { loadedAs: dtype, tower, skipModules }: Plan['model']
): Promise<void> {
  const found = goOnWith(recommendations(finished))
  const spec = recipe.variants[finished.variants.findIndex(({ name }) => name === found?.variant.name)]
  if (found === undefined || spec === undefined) return
  const best = found.variant
  const paths = { model: shortPath(recipe.base ?? recipe.model), adapter: shortPath(best.adapter) }
  const { rank, alpha, rslora } = spec
  const quantizer = { ...spec.quantizer, skipModules }
  const stored = recipe.base !== undefined
  if (!isKnownToTrainers({ quantizer, stored })) {
    const command = baseCommand(quantizer, shellWord(paths.model), torchDtype(dtype))
    const written = command && ` This writes it, as the README.md of the adapter says: ${command}`
    terminal.print(`${nextStep(found)}; ${NO_TRAINER}.${written ?? ''}`)
    return
  }
  const values = { ...paths, quantizer, stored, dtype, rank, alpha, rslora, targetModules: [], loader: loaderOf(tower) }
  const { text } = await fillSnippet(resources, 'peft', values)
  terminal.print()
  terminal.print(`${nextStep(found)}. In Python, with the base quantized exactly as the adapter expects:`)
  terminal.print()
  for (const line of text.trimEnd().split('\n')) terminal.print(`  ${line}`)
  terminal.print()
  terminal.print(`Check it at any time: quail verify ${shellWord(paths.adapter)} --model ${shellWord(paths.model)}`)
}

/** Where a stored run was computed, if not on its recipe's device alone; as the last of its events tells. */
export async function readDeviceFailure(
  services: Services,
  run: string
): Promise<Pick<FinishedEvent, 'deviceFailure'>> {
  const [last] = (await readEventsOf(services.store, run, ['finished'])).slice(-1)
  const event = last?.event
  return event?.type === 'finished' && event.deviceFailure ? { deviceFailure: event.deviceFailure } : {}
}

/** A path below the present directory as seen from there. */
const shortPath = (path: string): string => {
  const way = relative(process.cwd(), path)
  return way === '' || way.startsWith('..') ? path : way
}
