import { checkRunOut } from '../../services/outDirectory'
import { readRecipeFile } from '../../services/recipeFile'
import { planRecipe } from '../../services/runService'
import { badInput } from '../../shared/errors'
import type { Recipe } from '../../shared/recipe'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag, optional, text } from '../grammar/options'
import { findingText, planText } from '../output/planText'
import { printJson } from '../output/printJson'
import { recipeFromOptions } from './recipeFromOptions'
import { recipeOptions } from './recipeOptions'
import { momentOptions } from './reportingOptions'

export const planOptions = {
  ...recipeOptions,
  out: optional('DIR', text, 'where the run would write; checked as the run would'),
  json: flag('print the plan as JSON'),
  ...momentOptions
} as const

type PlanInvocation = Invocation<typeof planOptions>

/** `quail plan`: what a run would do and need, with a short measurement of this machine for its time. */
export async function planAction(invocation: PlanInvocation, context: CommandContext): Promise<ExitCode> {
  const { terminal } = context
  const { out, json, 'no-kept-moments': noMoments } = invocation.options
  const recipe = await recipeOf(invocation)
  if (out !== undefined) await checkRunOut(out, recipe)
  const plan = await planRecipe(await context.services(), recipe, {
    measure: true,
    signal: context.signal,
    out,
    keptMoments: !noMoments
  })
  if (json) printJson(terminal, plan)
  else {
    for (const line of planText(plan)) terminal.print(line)
    for (const finding of plan.findings) terminal.note(findingText(finding))
  }
  return EXIT.done
}

async function recipeOf({ options, positionals: [file], given }: PlanInvocation): Promise<Recipe> {
  if (file === undefined) return recipeFromOptions(options, 'plan')
  const both = Object.keys(recipeOptions).find((name) => given.has(name))
  if (both !== undefined) throw badInput(`${file} already says everything; --${both} cannot change it`)
  return readRecipeFile(file)
}
