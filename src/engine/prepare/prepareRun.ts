import { type CalendarDay, localDay } from '../../shared/calendarDay'
import { badInput } from '../../shared/errors'
import type { OnProgress } from '../../shared/progress'
import { quantizerArguments, quantizerKey } from '../../shared/quantizerWords'
import type { Recipe } from '../../shared/recipe'
import type { ResolvedText } from '../../shared/runFolder'
import { StoredBase } from '../base/storedBase'
import { Checkpoint } from '../formats/checkpoint'
import type { ModelArchitecture } from '../models/architecture'
import { assertTensors, listLinears, type PreparedLinear } from '../models/modelLinears'
import { ModelParts } from '../models/modelParts'
import { ModelWeights } from '../models/modelWeights'
import { readArchitecture } from '../models/registry'
import { baseFindings } from './baseFindings'
import { adapterInside, checkpointFindings, dtypeFindings } from './checkpointFindings'
import {
  checkCurvature,
  checkNames,
  checkRankBudgets,
  checkRanks,
  checkRefinements,
  checkTargets
} from './checkVariants'
import { placeholderFindings } from './placeholderFindings'
import { type PreparedRun, prepareVariants } from './preparedRun'
import { attempt, type Report, throwProblem } from './problems'
import { guessTexts, tokenizeTexts } from './tokenizedTexts'
import type { RunTexts } from './tokenRequests'
import { scanBaseIfSmall, scanIfSmall } from './weightScan'

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
  /** Told how far the texts are tokenized, the only part of it that may take long. */
  readonly onProgress?: OnProgress | undefined
  /** Gives up what is tokenized. */
  readonly signal?: AbortSignal | undefined
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
  { report = throwProblem, guess = false, today = localDay(Date.now()), onProgress, signal }: PrepareOptions = {}
): Promise<PreparedRun> {
  const checkpoint = await Checkpoint.open(asked.model)
  let base: StoredBase | undefined
  try {
    const architecture = readArchitecture(checkpoint.config, `${checkpoint.directory}/config.json`)
    const recipe = fitContext(asked, architecture, report)
    const parts = new ModelParts(architecture)
    const weights = new ModelWeights(checkpoint, architecture)
    const linears = listLinears(parts)
    const complete = await attempt(report, { code: 'TENSORS', subject: 'model' }, () => {
      assertTensors(weights, parts)
      return true
    })
    const findings = await attempt(report, { code: 'WEIGHTS', subject: 'model' }, async () => {
      if (complete !== true) return []
      await scanIfSmall({ weights, parts })
      const other = asked.base === undefined ? dtypeFindings(weights, parts) : await adapterInside(asked.base)
      return [...(await checkpointFindings(weights, parts)), ...other]
    })
    const variants = prepareVariants(recipe, linears)
    base = await attempt(report, { code: 'BASE', subject: 'model', fix: QUANTIZE_ANEW }, () =>
      openBase(recipe, checkpoint, architecture, linears)
    )
    const ofBase = await attempt(report, { code: 'BASE', subject: 'model', fix: QUANTIZE_ANEW }, async () =>
      base === undefined || findings === undefined ? [] : baseFindings(base, weights, parts, linears)
    )
    checkNames(variants, report)
    checkTargets(recipe, linears, report)
    checkRanks(recipe, { linears, variants }, report)
    const { vocabularySize } = architecture
    const day = recipe.templateDate ?? today
    const tokenized = guess
      ? guessTexts(recipe, texts)
      : await tokenizeTexts({ recipe, texts, folder, vocabularySize, day }, report, { onProgress, signal })
    checkRankBudgets(recipe, variants, report)
    checkRefinements(tokenized.calibration, variants, report)
    checkCurvature(tokenized.calibration, variants, report)
    const quantizers = new Map(recipe.variants.map(({ quantizer }) => [quantizerKey(quantizer), quantizer]))
    const release = async () => {
      await base?.close()
      await checkpoint.close()
    }
    const opened = { recipe, checkpoint, architecture, weights, base, parts }
    const placeholders = await placeholderFindings(checkpoint.directory, architecture, tokenized)
    const found = { checkpointFindings: [...(findings ?? []), ...(ofBase ?? []), ...placeholders] }
    const all = [...texts.calibration, ...texts.evaluation]
    const textBytes = bytesOf(all)
    const sampleBytes = bytesOf(all.filter(({ kind }) => kind !== 'text'))
    return { ...opened, linears, textBytes, sampleBytes, ...tokenized, variants, quantizers, ...found, release }
  } catch (error) {
    await base?.close()
    await checkpoint.close()
    throw error
  }
}

const bytesOf = (texts: readonly ResolvedText[]): number => texts.reduce((sum, { bytes }) => sum + bytes, 0)

const QUANTIZE_ANEW = { label: 'Quantize anew', changes: [{ path: ['base'] }] }

/** The pre-quantized checkpoint of the recipe, checked against the model and against what the variants ask for. */
async function openBase(
  { base: directory, variants }: Recipe,
  { config }: Checkpoint,
  architecture: ModelArchitecture,
  linears: readonly PreparedLinear[]
): Promise<StoredBase | undefined> {
  if (directory === undefined) return undefined
  if (architecture.noStoredBase !== undefined) throw badInput(`the base ${directory}: ${architecture.noStoredBase}`)
  const base = await StoredBase.open(directory, config.model_type, architecture)
  try {
    const held = quantizerKey(base.spec)
    const other = variants.map(({ quantizer }) => quantizerKey(quantizer)).find((key) => key !== held)
    if (other !== undefined)
      throw badInput(
        `the base ${directory} is quantized as ${held}, the recipe asks for ${other}: variants on it need ${quantizerArguments(base.spec)}`
      )
    for (const linear of linears) await base.check(linear)
    if (architecture.experts !== undefined || architecture.kept !== undefined) base.refuseOthers(linears, architecture)
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
