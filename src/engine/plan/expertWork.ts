import { BATCH_TOKENS } from '../models/batchRows'
import type { ExpertsSpec } from '../models/experts'
import { expertBytes, keptExperts } from '../models/keptExperts'
import { isDecidedLate, type PreparedRun } from '../prepare/preparedRun'
import { streamShapes } from '../prepare/streamShapes'

/** Seconds for each weight of an expert that is read and widened to float32, and that is handed to the device, on one core. */
const SECONDS_PER_READ = 3e-9
const SECONDS_PER_FEED = 2e-9

/** Weights of one expert. */
const expertWeights = (spec: ExpertsSpec): number => expertBytes(spec) / 4

/** The experts of each block that has some. */
const expertsOf = ({ architecture, parts }: PreparedRun): ExpertsSpec[] =>
  Array.from({ length: architecture.blocks }, (_, block) => parts.experts(block)).filter((spec) => spec !== undefined)

/** Multiplications and additions of the experts for one token in all blocks. */
export const expertFlops = (prepared: PreparedRun): number =>
  expertsOf(prepared).reduce((sum, spec) => sum + 2 * spec.perToken * expertWeights(spec), 0)

/**
 * Seconds for reading the experts and handing them over: those that stay in memory once for each pass over the blocks, the others for every batch of
 * each stream, and all of them for every batch of what else goes over the blocks.
 *
 * @param further - tokens of further passes, forward or back
 * @param left - bytes of the memory budget that hidden states leave
 */
export function expertReadSeconds(prepared: PreparedRun, further: number, left: number): number {
  const { recipe, variants } = prepared
  const rows = streamShapes(prepared).reduce((sum, stream) => sum + stream.rows, 0)
  const batches = (tokens: number) => Math.ceil(tokens / BATCH_TOKENS)
  const passes = variants.some(isDecidedLate) ? 2 : 1
  const read = (spec: ExpertsSpec): number => {
    const kept = keptExperts(spec, left)
    const fed = spec.count * (batches(rows * recipe.context) + batches(further))
    const again = kept * (batches(rows * recipe.context) - passes)
    return ((fed - Math.max(0, again)) * SECONDS_PER_READ + fed * SECONDS_PER_FEED) * expertWeights(spec)
  }
  return expertsOf(prepared).reduce((sum, spec) => sum + read(spec), 0)
}

/** Bytes while the experts of a block work on a batch: one expert, routing weights, inputs and sums. */
export function batchExpertBytes(prepared: PreparedRun): number {
  const tokens = Math.max(BATCH_TOKENS, prepared.recipe.context)
  const bytes = expertsOf(prepared).map(
    (spec) => 2 * expertBytes(spec) + 4 * tokens * (spec.count + 4 * spec.hiddenSize)
  )
  return Math.max(0, ...bytes)
}

/** Bytes of the experts of a block that stay in memory while rows go through it, of what hidden states leave. */
export const keptExpertBytes = (prepared: PreparedRun, left: number): number =>
  Math.max(0, ...expertsOf(prepared).map((spec) => keptExperts(spec, left) * expertBytes(spec)))

/** The same for the gradient of a batch, which the experts and their inputs are held for beside. */
export const expertGradientBytes = (prepared: PreparedRun): number => 2 * batchExpertBytes(prepared)
