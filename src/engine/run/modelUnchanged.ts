import { badInput } from '../../shared/errors'
import type { SolvedBlock } from '../../shared/runFolder'
import { quantizeLinear } from '../base/quantizeLinear'
import { readBlockWeights } from '../models/blockWeights'
import { squaredNorm } from '../numerics/matrix'
import type { PreparedRun } from '../prepare/preparedRun'

/*
 * A run that is resumed days later must not mix two inputs: what it was started with is compared with what is there now.
 */

/**
 * Quantizes, or reads from the base, the last finished block again and compares it with the journal.
 *
 * @throws {AppError} BAD_INPUT when the checkpoint no longer holds the weights that the run was started with
 */
export async function assertModelUnchanged(
  prepared: PreparedRun,
  { block, fingerprints, results }: SolvedBlock
): Promise<void> {
  const { parts, weights, quantizers, checkpoint, linears, base } = prepared
  const { linears: tensors } = await readBlockWeights(weights, parts, block)
  for (const [key, spec] of quantizers) {
    for (const linear of linears.filter((one) => one.block === block)) {
      const weight = tensors.get(linear.name) as Float32Array
      const { fingerprint: now } = await quantizeLinear(base, linear, weight, spec)
      const before = fingerprints[key]?.find(({ name }) => name === linear.path)
      // The codes of a stored base say nothing of W; its norm does.
      const norm = base && results.find(({ result }) => result.name === linear.path)?.result.weightNorm
      const sameWeight = norm === undefined || norm === squaredNorm(weight)
      if (before?.codes === now.codes && before.absmax === now.absmax && sameWeight) continue
      const where = sameWeight ? (base?.checkpoint ?? checkpoint) : checkpoint
      throw badInput(`${where.directory}: ${linear.path} has changed since the run was started: start a new run`)
    }
  }
}
