import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput } from '../../shared/errors'
import { RUN_FILES, type SolvedBlock } from '../../shared/runFolder'
import { quantizeLinear } from '../base/quantizeLinear'
import { CONFIG_FILE } from '../formats/checkpointFiles'
import { isMissing, sha256, writeFileAtomic } from '../formats/files'
import { readBlockWeights } from '../models/blockWeights'
import { squaredNorm } from '../numerics/matrix'
import type { PreparedRun } from '../prepare/preparedRun'
import { readAllWeights } from '../prepare/weightScan'
import type { Events } from './pass'

/*
 * An adapter belongs to one model. Weights that change while a run reads them, or between two of its processes, would give
 * an adapter of two, and so does a config.json that says otherwise how they compute. As a run begins it reads all that it
 * will need once and notes the digest of every tensor, and of config.json; from then on the stamps of the files tell whether
 * anything was written to them, and the digests whether that changed anything.
 */

/**
 * Notes which weight files a run reads, and what each tensor holds.
 *
 * @param before - what was noted as the run began, where that was earlier
 * @throws {AppError} as `readAllWeights`; BAD_INPUT naming a tensor, or config.json, that has changed since
 */
export async function* noteWeights(prepared: PreparedRun, folder: string, signal: AbortSignal, before?: Noted): Events {
  const lines = [modelStamp(prepared), `${configDigest(prepared)} ${CONFIG_FILE}`]
  for await (const { name, digest, share } of readAllWeights(prepared, signal)) {
    assertSame(prepared, before, name, digest)
    lines.push(`${digest} ${name}`)
    yield { type: 'phaseProgress', phase: 'reading', done: share, total: 1 }
  }
  await writeFileAtomic(join(folder, RUN_FILES.weights), `${lines.join('\n')}\n`)
}

/**
 * Compares the model with that which a run was started with, where its files are not those, by length and times, that were
 * noted before.
 *
 * @throws {AppError} BAD_INPUT naming a tensor that has changed
 */
export async function* assertModelUnchanged(
  prepared: PreparedRun,
  folder: string,
  signal: AbortSignal,
  solved: readonly SolvedBlock[]
): Events {
  const noted = await readNoted(folder)
  if (noted?.stamp === modelStamp(prepared)) return
  assertSame(prepared, noted, CONFIG_FILE, configDigest(prepared))
  if (needsFingerprints(prepared, noted)) for (const block of solved) await assertBlockUnchanged(prepared, block)
  yield* noteWeights(prepared, folder, signal, noted)
}

/**
 * A look behind each step: whether a weight file was written to, and where anything about one changed, as a program does that
 * sets its time back, whether the tensors of the block are what they were.
 *
 * @throws {AppError} BAD_INPUT naming a weight file, or a tensor, that has changed
 */
export async function assertBlockInPlace(prepared: PreparedRun, folder: string, block: number): Promise<void> {
  await assertWeightsInPlace(prepared)
  const { architecture, checkpoint, parts, weights } = prepared
  if (block >= architecture.blocks || !(await checkpoint.isTouched())) return
  const noted = await readNoted(folder)
  const path = architecture.blockPath(block)
  for (const stored of parts.tensors(block).flatMap(({ name }) => weights.storedNames(`${path}.${name}`))) {
    assertSame(prepared, noted, stored, await checkpoint.digest(stored, false))
  }
}

/**
 * The last look before adapters are written: where anything about a weight file changed, every tensor is read once more and
 * compared with what the run began with. Where it did not, nothing was written, for nobody can set back when that was; reading
 * a large model again would show nothing.
 *
 * @throws {AppError} BAD_INPUT as `assertBlockInPlace`
 */
export async function assertModelOfRun(
  prepared: PreparedRun,
  folder: string,
  signal: AbortSignal,
  solved: readonly SolvedBlock[]
): Promise<void> {
  await assertWeightsInPlace(prepared)
  const { checkpoint, base } = prepared
  const noted = await readNoted(folder)
  const isTouched = await checkpoint.isTouched()
  const isBaseTouched = (await base?.checkpoint.isTouched()) === true
  if (isBaseTouched || (isTouched && needsFingerprints(prepared, noted)))
    for (const block of solved) await assertBlockUnchanged(prepared, block)
  if (!isTouched) return
  for await (const { name, digest } of readAllWeights(prepared, signal)) assertSame(prepared, noted, name, digest)
}

/** Says which weight files were replaced while the run went on: it read those that it had opened, whatever is there now. */
export async function* tellReplaced({ checkpoint, base }: PreparedRun): Events {
  for (const path of [...(await checkpoint.filesReplaced()), ...((await base?.checkpoint.filesReplaced()) ?? [])]) {
    const fit = 'quail verify tells whether they fit what is there now'
    const message = `${path} was replaced or removed while the run went on: the adapters are for what it began with; ${fit}`
    yield { type: 'warning', code: 'MODEL_REPLACED', message }
  }
}

async function assertWeightsInPlace({ checkpoint, base }: PreparedRun): Promise<void> {
  await checkpoint.assertUnchanged()
  await base?.checkpoint.assertUnchanged()
}

/** SHA-256 of what config.json says, and of lengths and times of the weight files, those of a base included. */
export const modelStamp = (prepared: PreparedRun): string =>
  sha256(JSON.stringify([configDigest(prepared), prepared.checkpoint.stamp, prepared.base?.checkpoint.stamp]))

/** Of what config.json says, however it is written. */
const configDigest = ({ checkpoint }: PreparedRun): string => sha256(JSON.stringify(checkpoint.config))

/** What was noted of a model. */
interface Noted {
  readonly stamp: string
  /** By the tensor's name; none where an older version noted the run. */
  readonly digests: ReadonlyMap<string, string>
}

async function readNoted(folder: string): Promise<Noted | undefined> {
  try {
    const [stamp = '', ...lines] = (await readFile(join(folder, RUN_FILES.weights), 'utf8')).trim().split('\n')
    return { stamp, digests: new Map(lines.map((line) => [line.slice(65), line.slice(0, 64)])) }
  } catch (error) {
    if (isMissing(error)) return undefined // an older version noted nothing
    throw error
  }
}

/** The codes of a base have no digest of their own, and older versions noted none: what was solved tells. */
const needsFingerprints = ({ base }: PreparedRun, noted: Noted | undefined): boolean =>
  base !== undefined || noted === undefined || noted.digests.size === 0

function assertSame({ checkpoint }: PreparedRun, noted: Noted | undefined, name: string, digest: string): void {
  const before = noted?.digests.get(name)
  if (before !== undefined && before !== digest) throw changed(checkpoint.directory, name.replace(/\.weight$/, ''))
}

const changed = (directory: string, what: string) =>
  badInput(`${directory}: ${what} has changed since the run was started: put it back as it was, or start a new run`)

/**
 * Quantizes a finished block again, or reads it from the base.
 *
 * @throws {AppError} BAD_INPUT naming the linear that is not what the journal says
 */
export async function assertBlockUnchanged(
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
      throw changed((sameWeight && base ? base.checkpoint : checkpoint).directory, linear.path)
    }
  }
}
