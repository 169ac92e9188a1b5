import { getRun, type Run, resumeRun } from '../../services/runService'
import { badInput } from '../../shared/errors'
import { readVariantResults } from '../../store/runQueries'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { optional, text } from '../grammar/options'
import { conclude, follow, printResults, readDeviceFailure } from './executeRecipe'
import { reportingOptions } from './reportingOptions'

export const resumeOptions = {
  out: optional('DIR', text, 'another new or empty directory for the adapters, where the first cannot be written'),
  ...reportingOptions
} as const

type ResumeInvocation = Invocation<typeof resumeOptions>

/** `quail resume`: goes on with a run after its last finished block. A completed run is only shown. */
export async function resumeAction(invocation: ResumeInvocation, context: CommandContext): Promise<ExitCode> {
  const { options, positionals } = invocation
  const services = await context.services()
  const run = await getRun(services, positionals[0] ?? '')
  const { out } = options
  if (run.status === 'completed' && out !== undefined)
    throw badInput(`run ${run.id} is completed already: quail export copies its adapters from ${run.out}`)
  if (run.status === 'completed') return showCompleted(run, invocation, context)
  const finished = await follow(context, options, [], (listener) => resumeRun(services, run.id, { ...listener, out }))
  const code = conclude(context, finished, options)
  if (code === EXIT.done && !options.json && !options.quiet) {
    context.terminal.print()
    context.terminal.print("Next: the README.md in each adapter's directory shows how to load it.")
  }
  return code
}

async function showCompleted(run: Run, { options }: ResumeInvocation, context: CommandContext): Promise<ExitCode> {
  const { terminal } = context
  const { id, status, perplexity } = run
  const services = await context.services()
  const variants = await readVariantResults(services.store, id)
  const failure = await readDeviceFailure(services, id)
  terminal.note(`run ${id} is completed already`)
  if (options.json)
    terminal.print(JSON.stringify({ type: 'finished', status, run: id, perplexity, variants, ...failure }))
  else if (!options.quiet) printResults(terminal, { run: id, perplexity, variants, ...failure })
  return EXIT.done
}
