import { resolve } from 'node:path'
import { badInput } from '../../shared/errors'
import type { JournalEntry, ResolvedText } from '../../shared/runFolder'
import { sha256File } from '../formats/files'
import { fingerprintLinear } from '../quantizers/fingerprint'
import { quantizerFor } from '../quantizers/registry'
import type { PreparedLinear, PreparedRun } from './prepareRun'

/*
 * A run that is resumed days later must not mix two inputs: what it was started with is compared with what is there now.
 */

/** @throws {AppError} BAD_INPUT when a text is no longer what the run was created with */
export async function assertTextUnchanged({ path, sha256 }: ResolvedText, folder: string): Promise<void> {
  const file = resolve(folder, path)
  if ((await sha256File(file)) !== sha256) {
    throw badInput(
      `${file} has changed since the run was created (sha256 was ${sha256.slice(0, 16)}…): start a new run`
    )
  }
}

/**
 * Quantizes the last finished block again and compares it with the journal.
 *
 * @throws {AppError} BAD_INPUT when the checkpoint no longer holds the weights that the run was started with
 */
export async function assertModelUnchanged(
  prepared: PreparedRun,
  { block, fingerprints }: JournalEntry
): Promise<void> {
  const { runner, weights, quantizers, checkpoint, linears } = prepared
  const { linears: tensors } = await runner.readWeights(weights, block)
  const own = linears.filter((linear) => linear.block === block)
  for (const [key, spec] of quantizers) {
    for (const [i, weight] of [...tensors.values()].entries()) {
      const { path, inFeatures } = own[i] as PreparedLinear
      const digest = fingerprintLinear(path, quantizerFor(spec).quantize(weight, spec, inFeatures))
      const before = fingerprints[key]?.find(({ name }) => name === digest.name)
      if (before?.codes === digest.codes && before.absmax === digest.absmax) continue
      throw badInput(`${checkpoint.directory}: ${digest.name} has changed since the run was started: start a new run`)
    }
  }
}
