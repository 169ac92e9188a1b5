import { elementCount } from '../formats/tensorInfo'
import type { ExpertsSpec } from '../models/experts'
import type { PreparedRun } from '../prepare/preparedRun'
import { streamShapes } from '../prepare/streamShapes'

/** Seconds for each weight of an expert that is read, widened to float32 and handed to the device, measured on one core. */
const SECONDS_PER_READ = 5e-9

/** Tokens of a batch, about. */
const BATCH_TOKENS = 2048

/** Weights of one expert. */
const expertWeights = ({ tensors }: ExpertsSpec): number =>
  tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0)

/** The experts of each block that has some. */
const expertsOf = ({ architecture, parts }: PreparedRun): ExpertsSpec[] =>
  Array.from({ length: architecture.blocks }, (_, block) => parts.experts(block)).filter((spec) => spec !== undefined)

/** Multiplications and additions of the experts for one token in all blocks. */
export const expertFlops = (prepared: PreparedRun): number =>
  expertsOf(prepared).reduce((sum, spec) => sum + 2 * spec.perToken * expertWeights(spec), 0)

/**
 * Seconds for reading the experts: all of a block for every batch of each stream, and of what else goes over the blocks.
 *
 * @param further - tokens of further passes, forward or back
 */
export function expertReadSeconds(prepared: PreparedRun, further: number): number {
  const rows = streamShapes(prepared).reduce((sum, stream) => sum + stream.rows, 0)
  const batches = Math.ceil((rows * prepared.recipe.context + further) / BATCH_TOKENS)
  const weights = expertsOf(prepared).reduce((sum, spec) => sum + spec.count * expertWeights(spec), 0)
  return batches * weights * SECONDS_PER_READ
}

/** Bytes while the experts of a block work on a batch: one expert, routing weights, inputs and sums. */
export function expertBytes(prepared: PreparedRun): number {
  const tokens = Math.max(BATCH_TOKENS, prepared.recipe.context)
  const bytes = expertsOf(prepared).map(
    (spec) => 8 * expertWeights(spec) + 4 * tokens * (spec.count + 4 * spec.hiddenSize)
  )
  return Math.max(0, ...bytes)
}

/** The same for the gradient of a batch, which the experts and their inputs are held for beside. */
export const expertGradientBytes = (prepared: PreparedRun): number => 2 * expertBytes(prepared)
