import { SecondMoments } from '../../src/engine/calibration/secondMoments'
import type { DeviceName } from '../../src/shared/recipe'
import { hiddenStates, openAdaptedBlocks } from './adaptedBlock'
import { familyDirectory } from './checkpoints'

export const BATCHES = 11

interface Batches {
  /** Whether batches are told of those that follow; default true. */
  readonly together?: boolean
  /** Batches of another block that a calibration took before it was stopped. */
  readonly interrupted?: number
}

/** H of each input of a block from eleven batches, and after which of them Gram matrices were given. */
export async function momentsOfBatches(device: DeviceName, { together = true, interrupted = 0 }: Batches = {}) {
  const opened = await openAdaptedBlocks(familyDirectory('llama'), { device, context: 8, rank: 4 })
  const { architecture, context, runner, parts } = opened
  const { adapters: _, ...weights } = await opened.adapted(0)
  const { adapters: __, ...others } = await opened.adapted(1)
  const mask = new Float32Array(2 * context).fill(1, 0, 2 * context - 3)
  const sums = new SecondMoments(parts.inputs(0))
  const given: number[] = []
  for (let i = 0; i < interrupted; i++)
    await runner.forwardWithGrams(1, hiddenStates(architecture, context, 90 + i), mask, others, true)
  for (let i = 0; i < BATCHES; i++) {
    const hidden = hiddenStates(architecture, context, i)
    const { grams } = await runner.forwardWithGrams(0, hidden, mask, weights, together && i + 1 < BATCHES)
    sums.add(grams, 2 * context - 3)
    if (grams.length > 0) given.push(i)
  }
  await opened.close()
  return { given, H: parts.inputs(0).map((_, input) => sums.take(input)) }
}

/** The farthest that entries of one are from those of the other, as a share of the largest. */
export function farthest(found: Float64Array | undefined, expected: Float64Array): number {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return expected.reduce((most, value, i) => Math.max(most, Math.abs((found?.[i] ?? Number.NaN) - value)), 0) / largest
}
