import { SecondMoments } from '../calibration/secondMoments'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import { stopHere } from '../graph/stopHere'
import type { OutputCurvature } from '../methods/outputCurvature'
import { SecondMoment } from '../methods/secondMoment'
import type { BlockRunner } from '../models/blockRunner'
import type { BlockWeights } from '../models/blockWeights'
import { diagonalOf } from '../numerics/matrix'
import type { PreparedRun } from '../prepare/preparedRun'
import type { RowBatch } from '../refine/refinedRows'
import type { WalkedStates } from '../refine/walkedStates'
import { reduceCurvature } from './reduceCurvature'

export interface CurvatureOptions {
  readonly prepared: PreparedRun
  readonly runner: BlockRunner
  /** A file that may be made for what does not fit into the memory budget; gone at the end. */
  readonly path: string
  /** Bytes of the device's memory for hidden states. */
  readonly room: number
  readonly signal: AbortSignal
}

/** A block on the way back. */
export interface BlockAtHand {
  readonly block: number
  readonly batches: readonly RowBatch[]
  /** The states before each block. */
  readonly kept: WalkedStates
  readonly weights: BlockWeights
}

/**
 * G of each linear of a block, reduced and as the mean of its diagonal, by path.
 *
 * @param gradients - at the states behind the block, by batch; those before it afterwards, as far as they are here
 */
export async function backward(
  { prepared: { linears, recipe }, runner, signal }: CurvatureOptions,
  { block, batches, kept, weights }: BlockAtHand,
  gradients: Float32Array[],
  algebra: LinearAlgebra
) {
  const own = linears.filter((linear) => linear.block === block)
  const sums = new SecondMoments(own.map(({ outFeatures }) => outFeatures))
  for (const [i, { real, predicting }] of batches.entries()) {
    await stopHere(signal)
    const hidden = await kept.before(block, i)
    const { grams } = await kept.back(i, gradients, (gradient, stays) =>
      runner.curvature(block, hidden, gradient, real, weights, stays)
    )
    sums.add(grams, predicting.length)
  }
  const curvature = new Map<string, OutputCurvature>()
  const sensitivity = new Map<string, number>()
  for (const [place, { path: name, outFeatures: size }] of own.entries()) {
    await stopHere(signal)
    const G = { data: sums.take(place), rows: size, cols: size }
    curvature.set(name, await reduceCurvature(algebra, G, { seed: recipe.seed, name }))
    sensitivity.set(name, diagonalOf(G).reduce((sum, value) => sum + value, 0) / size)
  }
  return { curvature, sensitivity }
}

/** H of each distinct input of a block, over the same rows. */
export async function momentsOf(
  { prepared: { parts, calibration }, runner, signal }: CurvatureOptions,
  { block, batches, kept, weights }: BlockAtHand
): Promise<SecondMoment[]> {
  const inputs = parts.inputs(block)
  const sums = new SecondMoments(inputs)
  const { counted, context } = calibration
  for (const [i, { rows }] of batches.entries()) {
    await stopHere(signal)
    const mask = Float32Array.from(rows.flatMap((row) => [...counted.subarray(row * context, (row + 1) * context)]))
    const hidden = await kept.before(block, i)
    sums.add(
      await runner.grams(block, hidden, mask, weights, i + 1 < batches.length),
      mask.reduce((sum, value) => sum + value, 0)
    )
  }
  return inputs.map((size, input) => new SecondMoment({ data: sums.take(input), rows: size, cols: size }))
}
