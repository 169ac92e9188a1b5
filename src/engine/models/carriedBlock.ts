import type { BlockRunner } from './blockRunner'
import { type BlockWeights, type ReadBlockWeights, readBlockWeights } from './blockWeights'
import type { ExpertMemory } from './keptExperts'
import type { ModelParts } from './modelParts'
import type { ModelWeights } from './modelWeights'

/** A block as it was read, and where batches take its weights: those on a device are given back by who asked for it. */
export interface CarriedBlock {
  readonly read: ReadBlockWeights
  readonly carried: BlockWeights
}

/** Carries a block to the runner's device, if that keeps tensors, and lets go of its bits. @throws {AppError} DEVICE */
export async function carriedBlock(runner: BlockRunner, index: number, read: ReadBlockWeights): Promise<CarriedBlock> {
  const carried = await runner.carried(index, read)
  read.bits.clear()
  return { read, carried }
}

/**
 * Reads a block, with the bits of its weights where these are what a device is given, and carries it there.
 *
 * @param memory - where experts stay once they were read
 * @throws {AppError} what reading throws, DEVICE when the device fails
 */
export async function readCarried(
  runner: BlockRunner,
  { weights, parts }: { readonly weights: ModelWeights; readonly parts: ModelParts },
  index: number,
  memory?: ExpertMemory
): Promise<CarriedBlock> {
  return carriedBlock(runner, index, await readBlockWeights(weights, parts, index, memory, runner.takesBits))
}
