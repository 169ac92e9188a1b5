import { RankChoice, rankBounds } from '../../shared/rankBudget'
import type { LayerResult } from '../../shared/runEvents'
import { type ChosenRanks, type SolvedBlock, solvedBlocks } from '../../shared/runFolder'
import type { PreparedRun, PreparedVariant } from '../prepare/preparedRun'
import type { Comparison } from '../refine/comparison'
import { comparisonOf, readAdapters, releaseComparison, withoutAdapter } from './comparisons'
import { candidateFactors } from './factorFiles'
import type { Events, Pass, RunContext } from './pass'
import { refinedIn } from './refinePass'

/** Of each variant: without an adapter, with one rank everywhere, with ranks of their own. */
const QUESTIONS = 3

const budgetsIn = ({ variants }: PreparedRun): PreparedVariant[] =>
  variants.filter(({ spec }) => spec.rankBudget !== undefined)

/** What the held-out rows are asked of ranks. */
export const choiceQuestions = (prepared: PreparedRun): number => QUESTIONS * budgetsIn(prepared).length

/**
 * What they are asked of ranks and of adapters, one question for each of these, and the blocks that the evaluation rows go
 * through after it where nothing is refined.
 */
export const questionsAndBlocks = (prepared: PreparedRun): number =>
  choiceQuestions(prepared) +
  prepared.variants.filter(({ accepted }) => accepted).length +
  (prepared.evaluation.length === 0 || refinedIn(prepared).length > 0 ? 0 : prepared.architecture.blocks)

/**
 * Keeps ranks of their own where the whole model diverges less from full precision with them than with one rank everywhere,
 * on held-out rows of the calibration set; each entry is a variant.
 */
export const choosePass: Pass<ChosenRanks> = {
  name: 'choose',
  blocks: (prepared) => budgetsIn(prepared).map((_, i) => i),
  async *begin({ prepared }, finished) {
    const total = questionsAndBlocks(prepared)
    yield { type: 'phaseStarted', phase: 'choosing', total, unit: 'questions' }
    if (finished > 0) yield { type: 'phaseProgress', phase: 'choosing', done: QUESTIONS * finished, total }
  },
  step,
  async *settle() {},
  async restore({ prepared }, entries) {
    const variants = budgetsIn(prepared)
    return entries.every((entry, i) => entry.variant === variants[i]?.name)
  },
  end: releaseComparison
}

async function* step(context: RunContext, block: number): Events<ChosenRanks> {
  const started = performance.now()
  const { prepared, journal } = context
  const variant = budgetsIn(prepared)[block] as PreparedVariant
  const comparison = await comparisonOf(context, variant.quantizer)
  let done = QUESTIONS * block
  const asked = () => ({ type: 'phaseProgress', phase: 'choosing', done: ++done, total }) as const
  const total = questionsAndBlocks(prepared)
  const quantized = await withoutAdapter(prepared, comparison)
  yield asked()
  const uniform = await divergenceOf(context, comparison, variant, 'uniform')
  yield asked()
  const budget = await divergenceOf(context, comparison, variant, 'budget')
  yield asked()
  const own = layersOf(solvedBlocks(journal), 'results', variant)
  const ranks = own.map(({ rank = 0 }) => rank)
  const result = RankChoice.parse({
    ...rankBounds(variant.spec.rank, variant.spec.rankBudget ?? {}),
    ...{ least: Math.min(...ranks), largest: Math.max(...ranks) },
    parameters: parametersOf(own),
    uniformParameters: parametersOf(layersOf(solvedBlocks(journal), 'uniform', variant)),
    ...comparison.heldOutCounts,
    ...{ quantized, uniform, budget },
    kept: (budget ?? Number.POSITIVE_INFINITY) < (uniform ?? Number.POSITIVE_INFINITY) ? 'budget' : 'uniform'
  })
  return { pass: 'choose', block, variant: variant.name, result, durationMs: performance.now() - started }
}

const divergenceOf = (
  context: RunContext,
  comparison: Comparison,
  variant: PreparedVariant,
  candidate: RankChoice['kept']
): Promise<number | null> => {
  const place = candidateFactors(context.journal, variant.name, candidate)
  return comparison.heldOut((block) => readAdapters(context, variant, place, block))
}

const layersOf = (
  blocks: readonly SolvedBlock[],
  of: 'results' | 'uniform',
  { name }: PreparedVariant
): LayerResult[] =>
  blocks.flatMap((entry) => (entry[of] ?? []).filter(({ variant }) => variant === name).map(({ result }) => result))

const parametersOf = (layers: readonly LayerResult[]): number =>
  layers.reduce((sum, { rank = 0, shape }) => sum + rank * (shape[0] + shape[1]), 0)
