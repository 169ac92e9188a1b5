import type { Cost, Speed } from '../../shared/plan'
import { ASKED_AT_START, checkedSteps, heldOutRows, type Refinement, rowsOfStep } from '../../shared/refinement'
import { triangleShare } from '../models/gramTiles'
import { type PreparedRun, prepareVariants } from '../prepare/preparedRun'
import { streamShapes } from '../prepare/streamShapes'
import { sharesOf } from '../solve/threadCount'
import { blockFlops } from './blockWork'
import { curvatureNeeds, curvatureTokens } from './curvatureNeeds'
import { adapterBytes, spoolBytes } from './disk'
import { expertReadSeconds } from './expertWork'
import { heldOutFlops } from './heldOutWork'
import { peakMemoryBytes, solvedAtATime, streamBytes } from './peakMemory'
import { solverWork } from './solverWork'

/** Share of a large product's speed that the products of a whole run reach (docs/benchmarks.md). */
const EFFICIENCY = 0.71
/** Seconds per weight for quantizing and converting, measured on one core. */
const SECONDS_PER_WEIGHT = 3e-8
/** Seconds for a byte of a file with a checksum that is read or written, or of weights that are hashed. */
const SECONDS_PER_KEPT_BYTE = 1.5e-9
/** Seconds for the program, the tokenizer and the adapters. */
const BASE_SECONDS = 2.6
/** Seconds for the graphs and the files of a block. */
const BLOCK_SECONDS = 0.1
/** Speed of the machine on which the constants of one-threaded work were measured, flops per second. */
const REFERENCE_SPEED = 1.9e11

/** What a run takes in time, memory and disk, from shapes alone. */
export function costOf(prepared: PreparedRun, speed: Speed): Cost & { readonly flops: number } {
  const { flops, quantizedWeights, serialSeconds } = workOf(prepared)
  const { blocks } = prepared.architecture
  const slowness = Math.max(1, REFERENCE_SPEED / speed.flopsPerSecond)
  const shares = sharesOf(prepared.linears, solvedAtATime(prepared))
  const serial = (slowness * (serialSeconds + quantizedWeights * SECONDS_PER_WEIGHT)) / shares
  return {
    flops,
    seconds: flops / (EFFICIENCY * speed.flopsPerSecond) + serial + BASE_SECONDS + BLOCK_SECONDS * blocks,
    peakMemoryBytes: peakMemoryBytes(prepared),
    spoolBytes: spoolBytes(prepared),
    adapterBytes: adapterBytes(prepared)
  }
}

/** Share of the head's products, which come after the blocks, in all matrix products of the run. */
export function evaluationShare(prepared: PreparedRun): number {
  const { vocabularySize, hiddenSize } = prepared.architecture
  const tokens = prepared.evaluation.reduce((sum, { rows }) => sum + rows.rows, 0) * prepared.recipe.context
  const head = tokens * (streamShapes(prepared).length - 1) * 2 * vocabularySize * hiddenSize
  return head / workOf(prepared).flops
}

/** Share of the refinements in all matrix products of the run. */
export const refinementShare = (prepared: PreparedRun): number => refinementFlops(prepared) / workOf(prepared).flops

/** Share of what held-out rows are asked of ranks and adapters in all matrix products of the run. */
export const choiceShare = (prepared: PreparedRun): number => heldOutFlops(prepared) / workOf(prepared).flops

/** Share of the curvature of the outputs in all matrix products of the run. */
export const curvatureShare = (prepared: PreparedRun): number => curvatureNeeds(prepared).flops / workOf(prepared).flops

/** The same run with other variants; nothing is opened or read. */
export function withVariants(prepared: PreparedRun, variants: PreparedRun['recipe']['variants']): PreparedRun {
  const recipe = { ...prepared.recipe, variants }
  const planned = prepareVariants(recipe, prepared.linears)
  const quantizers = new Map(planned.map(({ quantizer, spec }) => [quantizer, spec.quantizer]))
  return { ...prepared, recipe, variants: planned, quantizers }
}

interface Work {
  /** Multiplications and additions of all matrix products. */
  readonly flops: number
  /** Weights that are quantized, once per quantizer. */
  readonly quantizedWeights: number
  /** Seconds of small dense problems, which run on one thread. */
  readonly serialSeconds: number
}

/** Arithmetic of a run, from shapes alone (docs/numerics.md). */
function workOf(prepared: PreparedRun): Work {
  const { linears, calibration, quantizers, architecture, recipe, keptMoments } = prepared
  const weights = linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0)
  const calibrationTokens = keptMoments?.state === 'used' ? 0 : calibration.rows * recipe.context
  const evaluationTokens = prepared.evaluation.reduce((sum, { rows }) => sum + rows.rows, 0) * recipe.context
  const streams = streamShapes(prepared).length - 1
  const perToken = blockFlops(prepared)
  const head = 2 * architecture.vocabularySize * architecture.hiddenSize
  const forward = calibrationTokens * perToken + evaluationTokens * streams * (perToken + head)
  const moments = distinctInputs(prepared).reduce((sum, n) => sum + 2 * triangleShare(n) * n * n * calibrationTokens, 0)
  let flops = forward + moments + refinementFlops(prepared) + heldOutFlops(prepared) + curvatureNeeds(prepared).flops
  const left = Math.max(0, recipe.memoryBudget - streamBytes(prepared))
  let serialSeconds = expertReadSeconds(prepared, gradientTokens(prepared), left) + momentSeconds(prepared)
  for (const key of quantizers.keys()) {
    // A variant with a rank budget is solved with either choice of ranks.
    const own = prepared.variants
      .filter(({ quantizer }) => quantizer === key)
      .flatMap((variant) => (variant.spec.rankBudget === undefined ? [variant] : [variant, variant]))
    for (const linear of linears) {
      const work = solverWork(
        linear,
        own.filter(({ targets }) => targets.has(linear.path))
      )
      flops += work.flops
      serialSeconds += work.serialSeconds
    }
  }
  return { flops, quantizedWeights: weights * quantizers.size, serialSeconds }
}

/** Seconds for reading or writing second moments that outlive the run, and for telling that weights are the same. */
function momentSeconds({ keptMoments, linears }: PreparedRun): number {
  if (keptMoments?.state !== 'used' && keptMoments?.state !== 'kept') return 0
  const weights = linears.reduce((sum, { inFeatures, outFeatures }) => sum + 4 * inFeatures * outFeatures, 0)
  return (keptMoments.bytes + weights) * SECONDS_PER_KEPT_BYTE
}

/**
 * Products of a step are three times those of the blocks, which are computed again on the way back, and of the head. With
 * experts blocks are computed once more: which experts a token is routed to comes before their gradient.
 */
const STEP = 3
const STEP_WITH_EXPERTS = 4

/** Tokens that a refinement goes over: in its steps, and on the held-out rows after some of them. */
function refinedTokens({ recipe, calibration }: PreparedRun, refine: Pick<Refinement, 'steps' | 'batch'>) {
  const learned = refine.steps * rowsOfStep(refine.batch, calibration.rows) * recipe.context
  const questions = ASKED_AT_START + checkedSteps(refine, calibration.rows).length
  const asked = questions * heldOutRows(calibration.rows) * recipe.context
  return { learned, asked }
}

/** Tokens of passes over the blocks for gradients: forward and back, and those of the held-out rows. */
const gradientTokens = (prepared: PreparedRun): number =>
  prepared.variants.reduce((sum, { spec: { refine } }) => {
    if (refine === undefined) return sum
    const { learned, asked } = refinedTokens(prepared, refine)
    return sum + 2 * learned + asked
  }, 2 * curvatureTokens(prepared))

/** Multiplications and additions of all refinements: steps, and the held-out rows after some of them. */
function refinementFlops(prepared: PreparedRun): number {
  const { variants, architecture } = prepared
  // Logits of both models, and as much for their gradient.
  const head = 8 * architecture.vocabularySize * architecture.hiddenSize
  const block = blockFlops(prepared)
  const step = architecture.experts === undefined ? STEP : STEP_WITH_EXPERTS
  return variants.reduce((sum, { spec: { refine } }) => {
    if (refine === undefined) return sum
    const { learned, asked } = refinedTokens(prepared, refine)
    return sum + learned * (step * block + head) + asked * (block + head / 2) // without the gradient of the head
  }, 0)
}

/** Features of every distinct input of linears over all blocks. */
const distinctInputs = ({ architecture, parts }: PreparedRun): number[] =>
  Array.from({ length: architecture.blocks }, (_, block) => [...parts.inputs(block)]).flat()
