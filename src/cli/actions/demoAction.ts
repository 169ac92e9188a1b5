import { existsSync } from 'node:fs'
import { sampleRecipe } from '../../services/sampleRecipe'
import type { ExitCode, Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { optional, text } from '../grammar/options'
import { executeRecipe } from './executeRecipe'
import { reportingOptions } from './reportingOptions'

export const demoOptions = {
  out: optional('DIR', text, 'where the adapters go (default ./quail-demo, or the next free ./quail-demo-2, …)'),
  ...reportingOptions
} as const

/** `quail demo`: the whole chain on the sample model that comes with Quail. */
export function demoAction({ options }: Invocation<typeof demoOptions>, context: CommandContext): Promise<ExitCode> {
  const { terminal, resources } = context
  const { out = freshDirectory('quail-demo'), ...reporting } = options
  if (!reporting.json && !reporting.quiet) {
    terminal.print('Quail on its sample model: every initialization at rank 16, side by side.', 'bold')
    terminal.print()
  }
  return executeRecipe(context, sampleRecipe(resources), { out, ...reporting, measure: true })
}

/** `name`, or with the first number that is free: what is there is never written over. */
function freshDirectory(name: string): string {
  if (!existsSync(name)) return name
  let number = 2
  while (existsSync(`${name}-${number}`)) number++
  return `${name}-${number}`
}
