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
const isSmall = ({ bytes }: Checkpoint): boolean => bytes <= SMALL_BYTES

/** The names of some tensors of a checkpoint. */
type Part = readonly [Checkpoint, readonly string[]]

/** A tensor of a model, read once. */
export interface ReadTensor {
  readonly name: string
  /** SHA-256 of its bytes. */
  readonly digest: string
  /** The share of all that is read. */
  readonly share: number
}

/**
 * Reads every tensor of the model that a run needs, and what its base holds in floating point, and checks that all values are
 * finite; of an embedding that is not the head, tokens that no text holds may be of any.
 *
 * @returns the tensors of the model, not of the base
 * @throws {AppError} BAD_FORMAT, naming the tensor, the value and its place; whatever the signal aborts with
 */
export async function* readAllWeights(run: ScannedRun, signal: AbortSignal): AsyncGenerator<ReadTensor, void> {
  const { checkpoint } = run.weights
  const checked = new Set(neededTensors(run)[1])
  const names = neededNames(run)
  const total = names.reduce((sum, name) => sum + bytesOf(checkpoint, name), 0)
  let done = 0
  for (const name of names) {
    const digest = await checkpoint.digest(name, checked.has(name), signal)
    done += bytesOf(checkpoint, name)
    yield { name, digest, share: done / total }
  }
  if (run.base !== undefined) await scan(baseTensors(run.base, run.linears), signal)
}

/** Checks a small model at once; a large one is left to the run. @throws {AppError} BAD_FORMAT, as `readAllWeights` */
export async function scanIfSmall(model: ScannedModel): Promise<void> {
  if (isSmall(model.weights.checkpoint)) await scan(neededTensors(model))
}

/** The same for what a pre-quantized base holds of these linears. @throws {AppError} BAD_FORMAT, as `readAllWeights` */
export async function scanBaseIfSmall(base: StoredBase, linears: readonly ModelLinear[]): Promise<void> {
  if (isSmall(base.checkpoint)) await scan(baseTensors(base, linears))
}

async function scan([checkpoint, names]: Part, signal?: AbortSignal): Promise<void> {
  for (const name of names) await checkpoint.assertFinite(name, signal)
}

const bytesOf = ({ tensors }: Checkpoint, name: string): number => {
  const { begin, end } = tensors.get(name) ?? { begin: 0, end: 0 }
  return end - begin
}

function neededTensors({ weights, parts }: ScannedModel): Part {
  const { architecture } = parts
  const embedding = weights.storedName(architecture.embedding)
  const head = weights.storedName(architecture.head)
  return [weights.checkpoint, neededNames({ weights, parts }).filter((name) => name !== embedding || name === head)]
}

/** The names of all tensors of the checkpoint that are read, each once. */
function neededNames({ weights, parts }: ScannedModel): string[] {
  const { blocks } = parts.architecture
  const experts = Array.from({ length: blocks }, (_, block) => storedExperts(weights, parts, block)).flat()
  const others = modelTensors(parts, true).flatMap(({ name }) => weights.storedNames(name))
  return [...new Set([...others, ...experts.map(({ name }) => name)])]
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
