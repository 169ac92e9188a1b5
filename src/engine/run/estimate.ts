import { HiddenStates } from './hiddenStates'
import type { PreparedRun } from './prepareRun'
import { streamShapes } from './streams'

export interface Work {
  /** Multiplications and additions of all matrix products. */
  readonly flops: number
  /** Weights that are quantized, once per quantizer. */
  readonly quantizedWeights: number
}

/** Columns that a method's products have, per rank: the block of its eigenvalue iteration. */
const SOLVER_COLUMNS_PER_RANK = 2
/** Products with E and H of one eigenvalue problem, as measured on trained models (a few restarts of four). */
const SOLVER_PASSES = 24

/** Arithmetic of a run, from shapes alone (method.md §5). */
export function workOf(prepared: PreparedRun): Work {
  const { linears, calibration, variants, quantizers, architecture, recipe } = prepared
  const weights = linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0)
  const calibrationTokens = calibration.rows * recipe.context
  const evaluationTokens = prepared.evaluation.reduce((sum, { rows }) => sum + rows.rows, 0) * recipe.context
  const streams = streamShapes(prepared).length - 1
  const attention = 4 * architecture.blocks * architecture.hiddenSize * (recipe.context / 2)
  const perToken = 2 * weights + attention
  const head = 2 * architecture.vocabularySize * architecture.hiddenSize
  const forward = calibrationTokens * perToken + evaluationTokens * streams * (perToken + head)
  const moments = distinctInputs(prepared).reduce((sum, n) => sum + 2 * n * n * calibrationTokens, 0)
  const ranks = Math.max(...variants.map(({ spec }) => spec.rank))
  const solve = linears.reduce((sum, { inFeatures: n, outFeatures: m }) => {
    const columns = SOLVER_COLUMNS_PER_RANK * ranks
    const pass = (4 * m * n + 2 * n * n) * columns
    return sum + quantizers.size * (SOLVER_PASSES * pass + 6 * m * n * n)
  }, 0)
  return { flops: forward + moments + solve, quantizedWeights: weights * quantizers.size }
}

/** Features of every distinct input of linears over all blocks. */
const distinctInputs = ({ architecture, runner }: PreparedRun): number[] =>
  Array.from({ length: architecture.blocks }, (_, block) => [...runner.inputs(block)]).flat()

/** Process, runtime, graphs and the temporaries of one batch, before anything that grows with the model. */
const BASE_BYTES = 300 * 2 ** 20

/**
 * Largest resident set, bytes: one block's weights (full precision, quantized, one variant's), its second moments in
 * float64 and float32, one linear's error in both precisions, one batch's activations, and hidden states up to the budget.
 */
export function peakMemoryBytes(prepared: PreparedRun): number {
  const { architecture, runner, recipe, linears } = prepared
  const perBlock = Array.from({ length: architecture.blocks }, (_, block) => {
    const weights = linears.filter((l) => l.block === block).reduce((sum, l) => sum + l.inFeatures * l.outFeatures, 0)
    const moments = runner.inputs(block).reduce((sum, n) => sum + n * n, 0)
    return 4 * weights * (2 + prepared.quantizers.size) + 16 * moments
  })
  const largest = Math.max(...linears.map((l) => l.inFeatures * l.outFeatures))
  const hidden = streamBytes(prepared)
  return (
    BASE_BYTES + Math.max(...perBlock) + 28 * largest + batchBytes(prepared) + Math.min(hidden, recipe.memoryBudget)
  )
}

/** Activations of one batch in a block: about the inputs of all its linears, twice. */
function batchBytes({ runner, recipe }: PreparedRun): number {
  const tokens = Math.max(2048, recipe.context)
  return 2 * 4 * tokens * runner.inputs(0).reduce((sum, n) => sum + n, 0)
}

const streamBytes = (prepared: PreparedRun): number =>
  streamShapes(prepared).reduce(
    (sum, { rows }) =>
      sum + HiddenStates.bytes({ rows, context: prepared.recipe.context, width: prepared.architecture.hiddenSize }),
    0
  )

/** Hidden states are on the disk twice while a block is worked on. */
export const spoolBytes = (prepared: PreparedRun): number => 2 * streamBytes(prepared)

/** Parameters of one variant's factors. */
export const adapterParameters = (
  { linears }: PreparedRun,
  { targets, spec }: PreparedRun['variants'][number]
): number =>
  linears
    .filter(({ path }) => targets.has(path))
    .reduce((sum, { inFeatures, outFeatures }) => sum + spec.rank * (inFeatures + outFeatures), 0)
