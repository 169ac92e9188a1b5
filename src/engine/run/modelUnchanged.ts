import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput } from '../../shared/errors'
import { RUN_FILES, type SolvedBlock } from '../../shared/runFolder'
import { quantizeLinear } from '../base/quantizeLinear'
import { isMissing, sha256, writeFileAtomic } from '../formats/files'
import { readBlockWeights } from '../models/blockWeights'
import { squaredNorm } from '../numerics/matrix'
import type { PreparedRun } from '../prepare/preparedRun'

/*
 * An adapter belongs to one model. Weights that change while a run reads them, or between two of its processes, would give
 * an adapter of two: what a run was started with is compared with what is there now.
 */

/** @throws {AppError} BAD_INPUT naming a weight file that was written to since the run, or its last process, began */
export async function assertWeightsInPlace({ checkpoint, base }: PreparedRun): Promise<void> {
  await checkpoint.assertUnchanged()
  await base?.checkpoint.assertUnchanged()
}

/**
 * Compares finished blocks with the journal: the last one, and all of them where the weight files are not those, by
 * length and times, that were noted before.
 *
 * @throws {AppError} BAD_INPUT when the checkpoint no longer holds the weights that the run was started with
 */
export async function assertModelUnchanged(
  prepared: PreparedRun,
  folder: string,
  solved: readonly SolvedBlock[]
): Promise<void> {
  const blocks = (await readStamp(folder)) === stampOf(prepared) ? solved.slice(-1) : solved
  for (const block of blocks) await assertBlockUnchanged(prepared, block)
  if (blocks.length > 1) await noteWeights(prepared, folder)
}

/**
 * The last look before adapters are written. A program may write into a file and set its time back; what it cannot set back is
 * when anything about the file changed. Where that moved, every weight of the linears is read once more and compared with what
 * was solved; where it did not, nothing was written, and hours of reading are saved.
 *
 * @throws {AppError} BAD_INPUT as `assertModelUnchanged`
 */
export async function assertModelOfRun(prepared: PreparedRun, solved: readonly SolvedBlock[]): Promise<void> {
  await assertWeightsInPlace(prepared)
  const { checkpoint, base } = prepared
  if (!(await checkpoint.isTouched()) && (await base?.checkpoint.isTouched()) !== true) return
  for (const block of solved) await assertBlockUnchanged(prepared, block)
}

/** Notes which weight files a run reads. */
export const noteWeights = (prepared: PreparedRun, folder: string): Promise<void> =>
  writeFileAtomic(join(folder, RUN_FILES.weights), `${stampOf(prepared)}\n`)

const stampOf = ({ checkpoint, base }: PreparedRun): string =>
  sha256(JSON.stringify([checkpoint.stamp, base?.checkpoint.stamp]))

async function readStamp(folder: string): Promise<string | undefined> {
  try {
    return (await readFile(join(folder, RUN_FILES.weights), 'utf8')).trim()
  } catch (error) {
    if (isMissing(error)) return undefined // an older version noted nothing
    throw error
  }
}

/** Quantizes a block again, or reads it from the base. */
async function assertBlockUnchanged(
  { parts, weights, quantizers, checkpoint, linears, base }: PreparedRun,
  { block, fingerprints, results }: SolvedBlock
): Promise<void> {
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
