import { checkRunOut } from '../../services/outDirectory'
import { readRecipeFile } from '../../services/recipeFile'
import type { Services } from '../../services/services'
import { planSweep } from '../../services/sweep/planSweep'
import { getSweep } from '../../services/sweep/sweepQueries'
import { writeSweepReport } from '../../services/sweep/sweepReport'
import { defineSweep, executeSweep } from '../../services/sweep/sweepService'
import { badInput } from '../../shared/errors'
import { assertCanEnd } from '../../shared/findings'
import { modelName } from '../../shared/modelName'
import type { Recipe } from '../../shared/recipe'
import { MAX_SEEDS, placeText, runsOf, type SweepDefinition } from '../../shared/sweep'
import type { Sweep } from '../../shared/sweep/results'
import { distinctVariants } from '../../shared/variantAxes'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag, integer, optional, required, text, withDefault } from '../grammar/options'
import { findingText } from '../output/planText'
import { printJson } from '../output/printJson'
import { sweepPlanText, sweepText } from '../output/sweepText'
import { conclude, follow, type Reporting } from './executeRecipe'
import { recipeFromOptions } from './recipeFromOptions'
import { recipeOptions } from './recipeOptions'
import { reportingOptions } from './reportingOptions'
import { labelledTexts, setsOf } from './sweepTexts'

const { 'calibration-draw': _draw, ...shared } = recipeOptions

export const sweepOptions = {
  ...shared,
  out: required('DIR', text, 'new or empty directory for adapters and report'),
  name: optional('NAME', text, 'name of the sweep; default: that of the model'),
  seeds: withDefault('N', integer(1, MAX_SEEDS), 1, 'runs of each calibration set, each with other rows of it'),
  plan: flag('print what the sweep would do and need, without doing it'),
  ...reportingOptions
} as const

type SweepInvocation = Invocation<typeof sweepOptions>

/** Options that may stand beside a recipe file: what is swept over, and where it goes. */
const BESIDE_RECIPE = ['rank', 'calibration', 'calibration-rows']

/** `quail sweep`: one run for each calibration set and seed, and one report on all. */
export async function sweepAction(invocation: SweepInvocation, context: CommandContext): Promise<ExitCode> {
  const { options } = invocation
  const { terminal } = context
  const { recipe, definition } = await sweepOf(invocation)
  await checkRunOut(options.out, recipe)
  const services = await context.services()
  const plan = await planSweep(services, recipe, definition, {
    measure: true,
    signal: context.signal,
    out: options.out,
    keptMoments: !options['no-kept-moments']
  })
  if (options.plan && options.json) printJson(terminal, plan)
  else if (options.plan || isForPeople(options)) {
    for (const line of sweepPlanText(plan)) terminal.print(line)
    terminal.print()
    for (const finding of plan.findings) terminal.note(findingText(finding))
  }
  if (options.plan) return EXIT.done
  assertCanEnd(plan.findings)
  const known = plan.findings.map(({ message }) => message)
  return workOn(context, services, recipe, { definition, runs: [] }, options, known)
}

/** Works on the runs that are left, and reports the sweep: also what there is of one that was stopped. */
export async function workOn(
  context: CommandContext,
  services: Services,
  recipe: Recipe,
  { definition, runs }: Pick<Sweep, 'definition' | 'runs'>,
  reporting: Reporting,
  knownWarnings: readonly string[]
): Promise<ExitCode> {
  const { terminal } = context
  const last = await executeSweep(services, recipe, { definition, runs }, (index, id, execute) => {
    if (isForPeople(reporting))
      terminal.note(`run ${index + 1} of ${runsOf(definition)}: ${placeText(definition, index)} (${id})`)
    return follow(context, reporting, knownWarnings, execute)
  })
  if (last !== undefined && last.status !== 'completed') {
    if (last.status === 'cancelled') terminal.note(`"quail sweeps resume ${definition.id}" goes on with the sweep`)
    return conclude(context, last, reporting)
  }
  const sweep = await getSweep(services, definition.id)
  const files = await writeSweepReport(sweep)
  printSweep(context, sweep, reporting, files)
  return EXIT.done
}

/** The tables of a sweep, or with `--json` one line of it after those of its events. */
function printSweep(
  { terminal }: CommandContext,
  sweep: Sweep,
  { json, quiet }: Reporting,
  files: readonly string[]
): void {
  if (json) terminal.print(JSON.stringify({ type: 'sweep', sweep: sweep.definition.id, files }))
  else if (!quiet)
    for (const line of [...sweepText(sweep), ...files.map((file) => `wrote ${file}`)]) terminal.print(line)
}

const isForPeople = ({ json, quiet }: Reporting): boolean => !json && !quiet

async function sweepOf({ options, positionals: [file], given }: SweepInvocation) {
  const evaluation = labelledTexts(options.evaluation)
  const calibration = labelledTexts(options.calibration)
  const values = {
    ...options,
    'calibration-draw': 0,
    calibration: calibration.slice(0, 1).map(({ text: file }) => file),
    evaluation: evaluation.map(({ text: file }) => file)
  }
  const recipe = file === undefined ? recipeFromOptions(values, 'sweep') : await recipeOfFile(file, options.rank, given)
  const name = options.name ?? recipe.name ?? modelName(recipe.model)
  const definition: SweepDefinition = defineSweep({
    name,
    out: () => options.out,
    seeds: options.seeds,
    ...setsOf(recipe, {
      calibration,
      evaluation,
      rows: given.has('calibration-rows') ? options['calibration-rows'] : undefined
    })
  })
  return { recipe, definition }
}

/** A recipe file with other ranks where some are given: its variants at each. */
async function recipeOfFile(file: string, ranks: readonly number[], given: ReadonlySet<string>): Promise<Recipe> {
  const both = Object.keys(recipeOptions).find((name) => given.has(name) && !BESIDE_RECIPE.includes(name))
  if (both !== undefined)
    throw badInput(
      `${file} already says it; --${both} cannot change it, only ${BESIDE_RECIPE.map((o) => `--${o}`).join(', ')} can`
    )
  const recipe = await readRecipeFile(file)
  if (ranks.length === 0) return recipe
  const variants = recipe.variants.flatMap(({ name: _, ...variant }) => ranks.map((rank) => ({ ...variant, rank })))
  return { ...recipe, variants: distinctVariants(variants) }
}
