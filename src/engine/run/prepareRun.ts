import { type CalendarDay, localDay } from '../../shared/calendarDay'
import { badInput } from '../../shared/errors'
import type { Finding } from '../../shared/findings'
import type { RebuiltFacts } from '../../shared/inspection'
import { quantizerKey } from '../../shared/quantizerWords'
import { type QuantizerSpec, type Recipe, scalingOf, type Variant, variantNames } from '../../shared/recipe'
import type { TokenRows } from '../calibration/rows'
import { Checkpoint } from '../formats/checkpoint'
import type { Method } from '../methods/method'
import { methodFor } from '../methods/registry'
import type { ModelArchitecture } from '../models/architecture'
import { BlockRunner } from '../models/blockRunner'
import type { LinearSpec } from '../models/layerBuilder'
import { ModelWeights } from '../models/modelWeights'
import { readArchitecture } from '../models/registry'
import { selectTargets } from '../models/targets'
import { baseFindings } from './baseFindings'
import { adapterInside, checkpointFindings, dtypeFindings } from './checkpointFindings'
import { checkRanks, checkTargets } from './checkVariants'
import { modelTensors } from './modelTensors'
import { attempt, type Report, throwProblem } from './problems'
import { StoredBase } from './storedBase'
import { type EvaluationText, guessTexts, type RunTexts, tokenizeTexts } from './tokenizedTexts'
import { scanBaseIfSmall, scanIfSmall } from './weightScan'

/** One linear of the blocks, with its place in the model. */
export interface PreparedLinear extends LinearSpec {
  /** Module path, as PEFT names it. */
  readonly path: string
  readonly block: number
}

export interface PreparedVariant {
  readonly name: string
  readonly spec: Variant
  readonly method: Method
  /** s = alpha / rank or alpha / √rank. */
  readonly scaling: number
  readonly quantizer: string
  readonly targets: ReadonlySet<string>
}

/** Everything that a recipe names, opened, read and checked against each other; nothing has been computed yet. */
export interface PreparedRun {
  readonly recipe: Recipe
  readonly checkpoint: Checkpoint
  readonly architecture: ModelArchitecture
  readonly weights: ModelWeights
  /** The pre-quantized checkpoint that holds Q, where the recipe names one. */
  readonly base: StoredBase | undefined
  readonly runner: BlockRunner
  readonly linears: readonly PreparedLinear[]
  readonly calibration: TokenRows
  readonly evaluation: readonly EvaluationText[]
  /** The day that the chat template wrote as today; missing where it writes none. */
  readonly renderedAsOf?: CalendarDay | undefined
  /** Where AutoTokenizer of transformers 5 cuts texts otherwise. */
  readonly rebuilt?: RebuiltFacts | undefined
  readonly variants: readonly PreparedVariant[]
  /** By key, in the order of the recipe. */
  readonly quantizers: ReadonlyMap<string, QuantizerSpec>
  /** What a trainer could load otherwise. */
  readonly checkpointFindings: readonly Finding[]
  release(): Promise<void>
}

interface PrepareOptions {
  /**
   * Receives what keeps the run from succeeding, except that the model cannot be read; when it returns, the rest is
   * prepared as well as it can be. Default: throws.
   */
  readonly report?: Report
  /** Leaves the texts unread and guesses how many rows they give: enough for a first idea of a plan. */
  readonly guess?: boolean
  /** What chat templates write as today where the recipe does not say; default: today. */
  readonly today?: CalendarDay
}

/**
 * Opens the checkpoint, tokenizes the texts and checks that the recipe fits both.
 *
 * @param folder - where relative paths of texts begin
 * @throws {AppError} BAD_INPUT or BAD_FORMAT, one sentence about the first thing that cannot be used
 */
export async function prepareRun(
  asked: Recipe,
  texts: RunTexts,
  folder: string,
  { report = throwProblem, guess = false, today = localDay(Date.now()) }: PrepareOptions = {}
): Promise<PreparedRun> {
  const checkpoint = await Checkpoint.open(asked.model)
  let base: StoredBase | undefined
  try {
    const architecture = readArchitecture(checkpoint.config, `${checkpoint.directory}/config.json`)
    const recipe = fitContext(asked, architecture, report)
    const runner = new BlockRunner(architecture, recipe.context, recipe.device)
    const weights = new ModelWeights(checkpoint, architecture)
    const linears = listLinears(architecture, runner)
    const complete = await attempt(report, { code: 'TENSORS', subject: 'model' }, () => {
      assertTensors(weights, architecture, runner)
      return true
    })
    const findings = await attempt(report, { code: 'WEIGHTS', subject: 'model' }, async () => {
      if (complete !== true) return []
      await scanIfSmall({ weights, architecture, runner })
      const other =
        asked.base === undefined ? dtypeFindings(weights, architecture, runner) : await adapterInside(asked.base)
      return [...(await checkpointFindings(weights, architecture)), ...other]
    })
    const variants = prepareVariants(recipe.variants, linears)
    base = await attempt(report, { code: 'BASE', subject: 'model', fix: QUANTIZE_ANEW }, () =>
      openBase(recipe, checkpoint, architecture, linears)
    )
    const ofBase = await attempt(report, { code: 'BASE', subject: 'model', fix: QUANTIZE_ANEW }, async () =>
      base === undefined || findings === undefined ? [] : baseFindings(base, weights, architecture, runner)
    )
    checkTargets(recipe, linears, report)
    checkRanks(recipe, { linears, variants }, report)
    const { vocabularySize } = architecture
    const day = recipe.templateDate ?? today
    const tokenized = guess
      ? guessTexts(recipe, texts)
      : await tokenizeTexts(recipe, texts, folder, vocabularySize, day, report)
    const quantizers = new Map(recipe.variants.map(({ quantizer }) => [quantizerKey(quantizer), quantizer]))
    const release = async () => {
      await runner.release()
      await base?.close()
      await checkpoint.close()
    }
    const opened = { recipe, checkpoint, architecture, weights, base, runner }
    const found = { checkpointFindings: [...(findings ?? []), ...(ofBase ?? [])] }
    return { ...opened, linears, ...tokenized, variants, quantizers, ...found, release }
  } catch (error) {
    await base?.close()
    await checkpoint.close()
    throw error
  }
}

const QUANTIZE_ANEW = { label: 'Quantize anew', changes: [{ path: ['base'] }] }

/** The pre-quantized checkpoint of the recipe, checked against the model and against what the variants ask for. */
async function openBase(
  { base: directory, variants }: Recipe,
  { config }: Checkpoint,
  architecture: ModelArchitecture,
  linears: readonly PreparedLinear[]
): Promise<StoredBase | undefined> {
  if (directory === undefined) return undefined
  const base = await StoredBase.open(directory, config.model_type, architecture)
  try {
    const held = quantizerKey(base.spec)
    const other = variants.map(({ quantizer }) => quantizerKey(quantizer)).find((key) => key !== held)
    if (other !== undefined)
      throw badInput(`the base ${directory} is quantized as ${held}, the recipe asks for ${other}`)
    for (const linear of linears) await base.check(linear)
    await scanBaseIfSmall(base, linears)
    return base
  } catch (error) {
    await base.close()
    throw error
  }
}

/** The recipe, with a context that the model has. */
function fitContext(recipe: Recipe, { contextLimit }: ModelArchitecture, report: Report): Recipe {
  if (recipe.context <= contextLimit) return recipe
  report({
    code: 'CONTEXT',
    subject: 'texts',
    message: `context is ${recipe.context} tokens, the model's positions reach ${contextLimit}`,
    fix: { label: `Use ${contextLimit} tokens`, changes: [{ path: ['context'], value: contextLimit }] }
  })
  return { ...recipe, context: contextLimit }
}

/** Every linear of every block, in order of execution. */
export function listLinears(architecture: ModelArchitecture, runner: BlockRunner): PreparedLinear[] {
  return Array.from({ length: architecture.blocks }, (_, block) =>
    runner.linears(block).map((spec) => ({ ...spec, path: `${architecture.blockPath(block)}.${spec.name}`, block }))
  ).flat()
}

/** Finds a missing or misshapen tensor now, not hours later. */
export function assertTensors(weights: ModelWeights, architecture: ModelArchitecture, runner: BlockRunner): void {
  for (const { name, shape } of modelTensors(architecture, runner, true)) weights.find(name, shape)
}

/** The variants with their method, scaling and targets; a target that matches nothing adds none. */
export function prepareVariants(variants: readonly Variant[], linears: readonly PreparedLinear[]): PreparedVariant[] {
  const names = variantNames(variants)
  const paths = linears.map(({ path }) => path)
  return variants.map((spec, i) => ({
    name: names[i] as string,
    spec,
    method: methodFor(spec.method),
    scaling: scalingOf(spec),
    quantizer: quantizerKey(spec.quantizer),
    targets: selectTargets(spec.targets, paths, () => {})
  }))
}
