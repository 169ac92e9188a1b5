import { outerLinears, PlainRunners } from '../base/outerLinears'
import { LinearAlgebra } from '../graph/linearAlgebra'
import { giveBack } from '../graph/session'
import { stopHere } from '../graph/stopHere'
import type { OutputCurvature } from '../methods/outputCurvature'
import { stateSize } from '../models/architecture'
import { batchRows } from '../models/batchRows'
import { readCarried } from '../models/carriedBlock'
import { EmbeddingRunner } from '../models/embeddingRunner'
import { HEAD_POSITIONS } from '../models/headRunner'
import { LabelHead } from '../models/labelHead'
import { finalNormBackwardGraph, finalNormGraph } from '../models/modelGraphs'
import { VocabularyHead } from '../models/vocabularyHead'
import { type Random, seededRandom } from '../numerics/random'
import { hasRankBudget } from '../prepare/preparedRun'
import { MemoryBudget } from '../refine/memoryBudget'
import { gather } from '../refine/modelEnd'
import type { RowBatch } from '../refine/refinedRows'
import { Shelf } from '../refine/shelf'
import { WalkedStates } from '../refine/walkedStates'
import { type BlockAtHand, backward, type CurvatureOptions, momentsOf } from './blockCurvature'
import { curvatureBatches } from './curvatureRows'
import { measureGains, type RankGains } from './measureGains'

/** The curvature of one block's linears, by path, and what further ranks are worth there. */
export interface BlockCurvature {
  readonly block: number
  readonly linears: ReadonlyMap<string, OutputCurvature>
  /** Empty where no variant has a rank budget. */
  readonly gains: RankGains
}

/**
 * What errors at the outputs of every linear count for the model's predictions (OutputCurvature): gradients of the predictions of
 * full precision, of labels drawn from these, over some rows of the calibration set. Once forward and once backward; a block's
 * weights, second moments and rows are in memory at a time.
 *
 * Gives the blocks that are behind it on the way, of twice as many as the model has, and each block's curvature from the last
 * to the first.
 */
export async function* measureCurvature(options: CurvatureOptions): AsyncGenerator<number | BlockCurvature, void> {
  const { prepared, path, room } = options
  const { architecture, recipe, calibration } = prepared
  const { blocks } = architecture
  const batches = curvatureBatches(calibration, recipe.seed, batchRows(recipe.context))
  const bytes = batches.reduce((sum, { ids }) => sum + 4 * blocks * ids.length * stateSize(architecture), 0)
  const shelf = await Shelf.create(path, new MemoryBudget(recipe.memoryBudget).take(bytes))
  const kept = new WalkedStates(room, shelf)
  const algebra = new LinearAlgebra(recipe.device)
  try {
    const states = yield* forward(options, batches, kept)
    const gradients = await gradientsOf(options, states, batches)
    for (let block = blocks - 1; block >= 0; block--) {
      yield await curvatureOf(options, { block, batches, kept }, gradients, algebra)
      yield 2 * blocks - block
    }
  } finally {
    await algebra.release()
    await kept.close()
  }
}

/** Takes gradients through a block, whose weights are carried to the device once for all that is measured. */
async function curvatureOf(
  options: CurvatureOptions,
  place: Omit<BlockAtHand, 'weights'>,
  gradients: Float32Array[],
  algebra: LinearAlgebra
): Promise<BlockCurvature> {
  const { prepared, runner, signal } = options
  const { block } = place
  const { read: weights, carried } = await readCarried(runner, prepared, block)
  try {
    const at = { ...place, weights: carried }
    const found = await backward(options, at, gradients, algebra)
    if (!hasRankBudget(prepared)) return { block, linears: found.curvature, gains: new Map() }
    const known = { weights, carried, moments: await momentsOf(options, at), ...found }
    return { block, linears: found.curvature, gains: await measureGains(prepared, algebra, block, known, signal) }
  } finally {
    giveBack(carried.linears.values())
  }
}

/** The states behind the last block; those before each block lie on the shelf afterwards. */
async function* forward(
  { prepared, runner, signal }: CurvatureOptions,
  batches: readonly RowBatch[],
  kept: WalkedStates
): AsyncGenerator<number, Float32Array[]> {
  const { architecture, recipe, weights } = prepared
  const outer = outerLinears(prepared, undefined)
  const embedding = await EmbeddingRunner.create(architecture, weights, recipe.context, recipe.device, outer)
  const embedded: Float32Array[] = []
  try {
    for (const { ids, real } of batches) embedded.push(await embedding.run(ids, real))
  } finally {
    await embedding.release()
  }
  kept.begin(embedded, architecture.blocks)
  for (let block = 0; block < architecture.blocks; block++) {
    const { carried } = await readCarried(runner, prepared, block)
    try {
      for (const [i, { real }] of batches.entries()) {
        await stopHere(signal)
        await kept.through(block, i, block + 1 < architecture.blocks, (hidden, stays) =>
          runner.pass(block, hidden, real, carried, stays)
        )
      }
    } finally {
      giveBack(carried.linears.values())
    }
    yield block + 1
  }
  return kept.behind
}

/** Gradients of the drawn labels' −log p, summed over the positions, at the states behind the last block. */
async function gradientsOf(
  { prepared, runner, signal }: CurvatureOptions,
  states: readonly Float32Array[],
  batches: readonly RowBatch[]
): Promise<Float32Array[]> {
  const { architecture, weights, recipe } = prepared
  const { embeddingSize } = architecture
  const width = stateSize(architecture)
  const norms = new PlainRunners(prepared, (form) => finalNormGraph(architecture, form))
  const backward = new PlainRunners(prepared, (form) => finalNormBackwardGraph(architecture, form))
  const tiles = await VocabularyHead.open(architecture, weights, runner.takesBits)
  const head = await LabelHead.create(architecture, tiles, runner.uploads)
  const random = seededRandom('labels', recipe.seed)
  const gradients: Float32Array[] = []
  try {
    for (const [i, batch] of batches.entries()) {
      const own = states[i] as Float32Array
      const normed = await (await norms.of(undefined)).run('hidden', own, width, batch.real)
      const found = await labelGradients(head, normed, batch, { width: embeddingSize, random, signal })
      const beside = { gradient: { data: found, shape: [batch.real.length, embeddingSize] } }
      gradients.push(await (await backward.of(undefined)).run('hidden', own, width, batch.real, beside))
    }
  } finally {
    await norms.release()
    await backward.release()
    await head.release()
  }
  return gradients
}

interface Labels {
  readonly width: number
  readonly random: Random
  readonly signal: AbortSignal
}

/** The same behind the final norm; zero where no token that counts is predicted. */
async function labelGradients(
  head: LabelHead,
  normed: Float32Array,
  { predicting }: RowBatch,
  { width, random, signal }: Labels
): Promise<Float32Array> {
  const gradients = new Float32Array(normed.length)
  for (let first = 0; first < predicting.length; first += HEAD_POSITIONS) {
    await stopHere(signal)
    const positions = predicting.subarray(first, first + HEAD_POSITIONS)
    const found = await head.gradient(gather(normed, positions, width), random)
    for (const [i, at] of positions.entries()) gradients.set(found.subarray(i * width, (i + 1) * width), at * width)
  }
  return gradients
}
