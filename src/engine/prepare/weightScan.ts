import type { Finding } from '../../shared/findings'
import type { StoredBase } from '../base/storedBase'
import type { Checkpoint } from '../formats/checkpoint'
import type { ModelArchitecture } from '../models/architecture'
import { storedExperts } from '../models/expertWeights'
import type { ModelParts } from '../models/modelParts'
import { type ModelLinear, modelTensors } from '../models/modelTensors'
import type { ModelWeights } from '../models/modelWeights'

/*
 * NaN and infinities among the weights, found before the work begins: a run that meets one in its last block has computed
 * for hours in vain. Of an embedding that is not the head only the rows of the texts' tokens count; those are checked as
 * they are read, at the beginning of a run.
 */

/** A checkpoint up to this size is scanned whenever it is opened for a plan: that takes a tenth of a second. */
const SMALL_BYTES = 2 ** 26

interface ScannedModel {
  readonly weights: ModelWeights
  readonly parts: ModelParts
}

interface ScannedRun extends ScannedModel {
  readonly base: StoredBase | undefined
  readonly linears: readonly ModelLinear[]
}

/** Whether a checkpoint is small enough to be scanned at once. */
export const isSmall = ({ bytes }: Checkpoint): boolean => bytes <= SMALL_BYTES

/** The names of some tensors of a checkpoint. */
type Part = readonly [Checkpoint, readonly string[]]

/**
 * Checks every tensor that a run needs whatever its texts are; yields the share that is done.
 *
 * @throws {AppError} BAD_FORMAT, naming the tensor, the value and its place; whatever the signal aborts with
 */
export async function* scanWeights(run: ScannedRun, signal: AbortSignal): AsyncGenerator<number, void> {
  const parts = [neededTensors(run), ...(run.base === undefined ? [] : [baseTensors(run.base, run.linears)])]
  yield* scan(parts, signal)
}

/** Checks a small model at once; a large one is left to the run. @throws {AppError} BAD_FORMAT, as `scanWeights` */
export async function scanIfSmall(model: ScannedModel): Promise<void> {
  if (isSmall(model.weights.checkpoint)) await exhaust(scan([neededTensors(model)]))
}

/** The same for what a pre-quantized base holds of these linears. @throws {AppError} BAD_FORMAT, as `scanWeights` */
export async function scanBaseIfSmall(base: StoredBase, linears: readonly ModelLinear[]): Promise<void> {
  if (isSmall(base.checkpoint)) await exhaust(scan([baseTensors(base, linears)]))
}

async function* scan(parts: readonly Part[], signal?: AbortSignal): AsyncGenerator<number, void> {
  const tensors = parts.flatMap(([checkpoint, names]) =>
    names.map((name) => ({ checkpoint, name, bytes: bytesOf(checkpoint, name) }))
  )
  const total = tensors.reduce((sum, { bytes }) => sum + bytes, 0)
  let done = 0
  for (const { checkpoint, name, bytes } of tensors) {
    await checkpoint.assertFinite(name, signal)
    done += bytes
    yield done / total
  }
}

const bytesOf = ({ tensors }: Checkpoint, name: string): number => {
  const { begin, end } = tensors.get(name) ?? { begin: 0, end: 0 }
  return end - begin
}

async function exhaust(work: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of work);
}

function neededTensors({ weights, parts }: ScannedModel): Part {
  const { architecture } = parts
  const embedding = weights.storedName(architecture.embedding)
  const head = weights.storedName(architecture.head)
  const blocks = Array.from({ length: architecture.blocks }, (_, block) => storedExperts(weights, parts, block))
  const experts = blocks.flat().map(({ name }) => name)
  const names = [...modelTensors(parts, true).map(({ name }) => weights.storedName(name)), ...experts]
  return [weights.checkpoint, [...new Set(names.filter((name) => name !== embedding || name === head))]]
}

const baseTensors = (base: StoredBase, linears: readonly ModelLinear[]): Part => [
  base.checkpoint,
  base.floatTensors(linears)
]

/** The token of a small model that no text may hold, because its embedding is not finite. */
export async function embeddingFindings(weights: ModelWeights, architecture: ModelArchitecture): Promise<Finding[]> {
  const { checkpoint } = weights
  const name = weights.storedName(architecture.embedding)
  if (!isSmall(checkpoint) || name === weights.storedName(architecture.head)) return []
  const index = await checkpoint.firstNonFinite(name)
  if (index < 0) return []
  const token = Math.floor(index / architecture.embeddingSize)
  const where = `${checkpoint.directory}: tensor ${name} is not finite`
  const message = `${where} in the row of token ${token}: a text that holds this token cannot be computed`
  return [{ code: 'EMBEDDING', severity: 'warning', subject: 'model', message }]
}
